// Module scope: which channel's module is at work, also in what it began and did not wait for: a timer, a socket without a listener for
// errors. An error there reaches no caller; by its scope it is known for the module's own, and takes nobody with it, as one of a tool.
//   What a module calls of ours is ours again: a message that it hands over begins a session's work, and a defect there is no module's.

import { AsyncLocalStorage } from 'node:async_hooks'

const scope = new AsyncLocalStorage<string>()

/** `what`: for people, such as `the channel module lines.ts`. `outside` calls what is ours from within. */
export function asModule<T>(what: string, work: (outside: Outside) => T): T {
  const outside: Outside = AsyncLocalStorage.snapshot()
  return scope.run(what, () => work(outside))
}

export type Outside = <R>(call: () => R) => R

/** Asked where Node tells of an error that reached nobody; null: none of a channel's module. */
export function moduleAtWork(): string | null {
  return scope.getStore() ?? null
}
