// Log: one line per event, for people on a terminal and as JSON lines otherwise.
//   A3. No secret's value leaves through here: every line, with its messages and stacks, is searched before it is written.

import { type DestinationStream, pino } from 'pino'

export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A log that adds these fields to each line. */
  child(fields: LogFields): Log
}

export type LogFields = Readonly<Record<string, unknown>>

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Replaces secret values in a line of text. */
  readonly redact: (line: string) => string
  readonly destination: DestinationStream
}

export function createLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: options.redact },
    },
    options.destination,
  )
}
