// Log: one line per event, for people on a terminal and as JSON lines otherwise.
//   A3. No secret's value leaves through here: every line, with its messages and stacks, is searched before it is written.

import { type DestinationStream, pino } from 'pino'
import { FailureError } from '../machines/failure.ts'

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
  /** Of which errors it is written where they were thrown; `defects`: of those that nobody foresaw. */
  readonly stacks: 'all' | 'defects' | 'none'
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
      serializers: { err: (thrown: unknown) => errorFields(thrown, options.stacks) },
      hooks: { streamWrite: options.redact },
    },
    options.destination,
  )
}

/** What is known of an error, and nothing that may hang on it besides: libraries hang whole requests on theirs. */
function errorFields(thrown: unknown, stacks: LogOptions['stacks']): unknown {
  if (!(thrown instanceof Error)) return thrown
  // Its message has those of its causes in it.
  const { type, message, stack } = pino.stdSerializers.err(thrown)
  const failure = thrown instanceof FailureError ? thrown.failure : null
  const isForeseen = failure !== null && failure.kind !== 'defect'
  const isPlaced = stacks === 'all' || (stacks === 'defects' && !isForeseen)
  const { reason, remedy, phase } = failure ?? {}
  return { type, message, reason, remedy, phase, stack: isPlaced ? stack : undefined }
}
