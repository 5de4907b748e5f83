// Last resort: an error that nobody foresaw ends the process with 70. What was accepted is on disk (M5), so ending is safe,
// and going on in an unknown state is not.
//   A3. A person is told the error's name; its message and stack, which may hold anything, only when asked for, redacted.

import type { Context } from './command.ts'
import type { ConsoleLog } from './console-log.ts'
import { EXIT, nameOf } from './exit.ts'

/** Until the process ends: errors that no promise and no call stack would bring to anybody. The latest watch answers. */
export function watchForDefects(context: Context, console: ConsoleLog | null): void {
  const end = (thrown: unknown): void => {
    if (console?.isJson === true) console.log.error({ err: thrown }, 'a defect ended the process')
    sayDefect(context, thrown)
    context.exit(EXIT.defect)
  }
  // Before an earlier watch: this one knows the log.
  process.prependListener('uncaughtException', end)
  process.prependListener('unhandledRejection', end)
}

export function sayDefect({ terminal, debug }: Context, thrown: unknown): void {
  const more = debug ? '' : ' With --debug it says more.'
  terminal.err(`troupe was stopped by a defect of its own (${nameOf(thrown)}).${more}`)
  if (debug && thrown instanceof Error) terminal.err(thrown.stack ?? thrown.message)
}
