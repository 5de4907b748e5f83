// Own scope: which module of the user is at work, also in what it began and did not wait for: a timer, a request, a promise that it
// forgot. An error there reaches no caller. By its scope it is known for the module's own, and takes nobody with it.

import { AsyncLocalStorage } from 'node:async_hooks'

/** Holds nothing by itself: Node passes on what a call was begun in. */
const scope = new AsyncLocalStorage<string>()

/** `what`: for people, such as `the hook rates.ts`. */
export function asOwn<T>(what: string, work: () => T): T {
  return scope.run(what, work)
}

/** Whose error it is that reached nobody, asked where Node tells of it; null: none of a module of the user. */
export function ownerOfStray(): string | null {
  return scope.getStore() ?? null
}
