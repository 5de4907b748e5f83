// Command: what every command of `troupe` is: how it is used, and what it does. program.ts makes the command line of it.

import type { World } from '../world.ts'
import type { ExitCode } from './exit.ts'
import type { Terminal } from './terminal.ts'

export interface Command {
  /** As it is typed; two words for a command of a group. */
  readonly name: string
  readonly summary: string
  readonly arguments?: readonly Argument[]
  readonly options?: readonly Option[]
  /** Each a command line with what it does behind a `#`. */
  readonly examples: readonly string[]
  /** What else its help says, below the examples. */
  readonly notes?: readonly string[]
  run(invocation: Invocation): Promise<ExitCode>
}

export interface Argument {
  /** `<key>` when it must be given, `[agent]` when not, `<text...>` for one or more. */
  readonly form: string
  readonly says: string
}

export interface Option {
  /** `--port <number>`; without a value it is a switch. */
  readonly flags: string
  readonly says: string
  readonly takes?: 'port' | 'rows'
  readonly choices?: readonly string[]
  readonly mustBeGiven?: true
}

export interface Invocation {
  readonly context: Context
  readonly arguments: readonly string[]
  readonly options: Options
}

export interface Options {
  text(name: string): string | undefined
  number(name: string): number | undefined
  given(name: string): boolean
}

/** What a command may use of the process that it runs in. */
export interface Context {
  readonly terminal: Terminal
  readonly world: World
  readonly version: string
  /** Says more: debug lines in the log, the stack of a defect. */
  readonly debug: boolean
  /** Ends the process now; for a second signal and for what hangs. */
  readonly exit: (code: number) => void
}

export const CONFIG: Option = { flags: '--config <file>', says: 'the configuration (default: ./gateway.yaml)' }
export const DATA: Option = { flags: '--data <folder>', says: 'another data folder than the configuration’s' }
export const URL_OF_GATEWAY: Option = {
  flags: '--url <url>',
  says: 'its address (default: of the gateway that has the data folder open)',
}
export const JSON_OUTPUT: Option = { flags: '--json', says: 'print JSON, for programs' }
export const ROWS: Option = { flags: '--limit <rows>', says: 'how many at most (default: 100)', takes: 'rows' }
