// Exit: the codes that `troupe` ends with, and which of them a failure stands for.
//   A supervisor restarts after 70 and 75, and must not after 64 and 78: nothing would change.

import { FailureError, sayable } from '../../machines/failure.ts'
import type { Phase } from '../../machines/phases.ts'

export const EXIT = {
  /** A clean stop, or everything is as it should be. */
  fine: 0,
  /** A check, a probe or a start with --strict failed; or what was named does not exist. */
  failed: 1,
  /** Wrong usage: an unknown command, option or name on the command line. */
  usage: 64,
  /** A mistake of Troupe's own. */
  defect: 70,
  /** Try again later: the port is taken, or another gateway holds the data folder. */
  tryLater: 75,
  /** The configuration is wrong. */
  configuration: 78,
  /** A second SIGINT or SIGTERM: stopped at once, as a shell would say it (128 and the signal's number). */
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A command cannot go on; its message goes to standard error as it is. */
export class CommandFailure extends Error {
  readonly code: ExitCode
  constructor(code: ExitCode, message: string) {
    super(message)
    this.name = 'CommandFailure'
    this.code = code
  }
}

/** What a person is told of a thrown value, and the code it ends with; null when nobody foresaw it: a defect. */
export function foreseen(thrown: unknown): Foreseen | null {
  if (thrown instanceof CommandFailure) return { code: thrown.code, sentence: thrown.message, phase: null }
  if (thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'uv_cwd') return NOWHERE
  if (!(thrown instanceof FailureError) || thrown.failure.kind === 'defect') return null
  return { code: codeOf(thrown), sentence: sayable(thrown.failure), phase: thrown.failure.phase ?? null }
}

/** No relative path leads anywhere from a folder that was removed. */
const NOWHERE: Foreseen = {
  code: EXIT.failed,
  sentence: 'The folder that this was called in is gone. Go to another one.',
  phase: null,
}

export interface Foreseen {
  readonly code: ExitCode
  readonly sentence: string
  /** Of a start. */
  readonly phase: Phase | null
}

/** The name of an error alone: its message may hold a secret that nobody knows of (A3). */
export function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown
}

function codeOf({ failure }: FailureError): ExitCode {
  // A port that is taken is permanent for whoever asked, and free again when the other program has ended.
  if (failure.kind === 'retryable' || failure.reason === 'conflict') return EXIT.tryLater
  return EXIT.configuration
}
