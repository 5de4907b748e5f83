// Console log: where log lines go, and how they look to a person. The one file that knows pino-pretty.
//   Log lines go to standard error, so that standard output holds the roll call and nothing else.
//   For people when both streams are a terminal; JSON lines otherwise. Redacted before they are made pretty (A3).

import { prettyFactory } from 'pino-pretty'
import type { Loaded } from '../config/load.ts'
import { createLog, type Log } from '../log.ts'
import type { Context } from './command.ts'
import type { ProgressLine } from './progress.ts'

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

export function openConsoleLog({ terminal, debug }: Context, options: ConsoleLogOptions): ConsoleLog {
  const { loaded, form, progress } = options
  const isJson = form === 'json' || !terminal.isTerminal.out || !terminal.isTerminal.err
  const pretty = prettyFactory({ colorize: terminal.colouredErr, translateTime: 'SYS:HH:MM:ss', singleLine: true })
  const write = (line: string): void => {
    if (isJson) terminal.writeErr(line)
    else progress.aside(() => terminal.writeErr(pretty(line)))
  }
  const level = debug ? 'debug' : options.level
  const log = createLog({ level, redact: (line) => loaded.secrets.redact(line), destination: { write } })
  return { log, isJson }
}
