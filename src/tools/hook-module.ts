// Hook module: a user's module as a hook: loaded, looked at, and called within bounds.
//   Its code runs in this process, with all that this process may do: it is the operator's. A loop in it that never waits cannot be
//   ended by anybody.
//   What it does beside its call, and fails in, is in the log (own-scope.ts).
//   A file that was changed is loaded anew at its next call.

import { basename } from 'node:path'
import type { HookDocument } from '../../machines/hooks.ts'
import type { OwnHook } from './define-hook.ts'
import { cancelled, missing, refused } from './failures.ts'
import { importedFrom, SAID_UNITS_MAX } from './own.ts'
import { asOwn } from './own-scope.ts'

/** Throws FailureError `missing` with the file's name and what to do. */
export async function loadHook(path: string): Promise<OwnHook> {
  const exported = await importedFrom(path, 'hook')
  if (typeof exported === 'function') return exported as OwnHook // as: a function; what it gives back is looked at
  const mistake = `the hook ${basename(path)} has no default export that is a function`
  throw missing(mistake, `A hook module has a default export such as (hooked) => {}; mend ${path}`)
}

/** Settles in the moment of an abort, whatever the module does. */
export async function callModule(path: string, document: HookDocument, signal: AbortSignal): Promise<unknown> {
  const hook = await loadHook(path)
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = (): void => reject(cancelled())
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    // A document of its own: what it changes is nobody else's.
    const call = (): unknown => hook(JSON.parse(JSON.stringify(document)), { signal })
    const called = asOwn(`the hook ${basename(path)}`, () => Promise.resolve().then(call))
    // Nobody may be waiting any more when it fails.
    called.catch(() => {})
    return await Promise.race([called, ended])
  } catch (thrown) {
    if (signal.aborted) throw cancelled()
    const said = thrown instanceof Error ? thrown.message : String(thrown)
    throw refused(`it failed: ${said.slice(0, SAID_UNITS_MAX)}`, thrown)
  } finally {
    signal.removeEventListener('abort', end)
  }
}
