// Last resort: an error that nobody foresaw ends the process with 70. What was accepted is on disk (M5), so ending is safe,
// and going on in an unknown state is not.
//   One of a module of the user, in something that it did not wait for, is its own: it is said, and nothing of ours is in doubt.
//   A3. A person is told the error's name; its message and stack, which may hold anything, only when asked for, redacted.

import type { Context } from './command.ts'
import type { ConsoleLog } from './console-log.ts'
import { EXIT, nameOf } from './exit.ts'

interface Watch {
  /** null: it is not open yet. */
  readonly console: ConsoleLog | null
  /** Whose error it is, asked where Node tells of it; null: nobody's but ours. Left out: no module of a user is loaded. */
  readonly ownerOfStray?: () => string | null
}

type Heard = (thrown: unknown) => void

/** Until the process ends: errors that no promise and no call stack would bring to anybody. The latest watch takes the place of others. */
export function watchForDefects(context: Context, { console, ownerOfStray = () => null }: Watch): void {
  const heard: Heard = (thrown) => {
    const owner = ownerOfStray()
    if (owner !== null) return sayStray(context, console, { owner, thrown })
    if (console?.isJson === true) console.log.error({ err: thrown }, 'a defect ended the process')
    sayDefect(context, thrown)
    context.exit(EXIT.defect)
  }
  const before = watches.get(process)
  if (before !== undefined)
    process.removeListener('uncaughtException', before).removeListener('unhandledRejection', before)
  process.prependListener('uncaughtException', heard).prependListener('unhandledRejection', heard)
  watches.set(process, heard)
}

/** What listens on a process: it has one watch. */
const watches = new WeakMap<NodeJS.Process, Heard>()

interface Stray {
  readonly owner: string
  readonly thrown: unknown
}

function sayStray({ terminal }: Context, console: ConsoleLog | null, { owner, thrown }: Stray): void {
  const sentence = `${owner} failed in something that it did not wait for; nobody else was touched`
  if (console === null) terminal.err(`troupe: ${sentence} (${nameOf(thrown)}).`)
  else console.log.error({ err: thrown }, sentence)
}

export function sayDefect({ terminal, debug }: Context, thrown: unknown): void {
  const more = debug ? '' : ' With --debug it says more.'
  terminal.err(`troupe was stopped by a defect of its own (${nameOf(thrown)}).${more}`)
  if (debug && thrown instanceof Error) terminal.err(thrown.stack ?? thrown.message)
}
