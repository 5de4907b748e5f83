// Console log: where log lines go, and how they look to a person. The one file that knows pino-pretty.
//   Log lines go to standard error, so that standard output holds the roll call and nothing else.
//   For people when both streams are a terminal; JSON lines otherwise, and then nothing that makes lines pretty is loaded.
//   Redacted before they are made pretty (A3).

import type { Loaded } from '../config/load.ts'
import { createLog, type Log } from '../log.ts'
import type { Context } from './command.ts'
import type { ProgressLine } from './progress.ts'
import type { Terminal } from './terminal.ts'

export interface ConsoleLog {
  readonly log: Log
  /** JSON lines: a program reads them. */
  readonly isJson: boolean
}

export interface ConsoleLogOptions {
  readonly loaded: Loaded
  readonly form: 'json' | 'asTheStreamsAre'
  readonly level: 'info' | 'warn'
  readonly progress: ProgressLine
}

export async function openConsoleLog({ terminal, debug }: Context, options: ConsoleLogOptions): Promise<ConsoleLog> {
  const { loaded, form, progress } = options
  const isJson = form === 'json' || !terminal.isTerminal.out || !terminal.isTerminal.err
  const pretty = isJson ? null : await prettyLines(terminal)
  const write = (line: string): void => {
    if (pretty === null) terminal.writeErr(line)
    else progress.aside(() => terminal.writeErr(pretty(line)))
  }
  const level = debug ? 'debug' : options.level
  // A person has the stack of a defect when they ask for it; a program keeps it, for a defect may not come again.
  const stacks = debug ? 'all' : isJson ? 'defects' : 'none'
  const log = createLog({ level, stacks, redact: (line) => loaded.secrets.redact(line), destination: { write } })
  return { log, isJson }
}

async function prettyLines({ colouredErr }: Terminal): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty')
  return prettyFactory({ colorize: colouredErr, translateTime: 'SYS:HH:MM:ss', singleLine: true })
}
