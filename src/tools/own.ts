// Own: a user's module as a tool: loaded, looked at, and called within bounds.
//   Its code runs in this process, with all that this process may do: it is the operator's. A2: it is loaded once for all runs,
//   so what it keeps in variables of its own is shared by all sessions.
//   What it does beside its call, and fails in, is in the log (own-scope.ts).
//   A file that was changed is loaded anew by the next run.

import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FailureError } from '../../machines/failure.ts'
import { loadRemedy } from '../../machines/own-modules.ts'
import { moduleName } from '../../machines/tool-names.ts'
import type { World } from '../world.ts'
import type { OwnTool } from './define-tool.ts'
import { cancelled, codeOf, missing, refused, throwIfAborted, tookTooLong } from './failures.ts'
import { schemaMistake } from './input.ts'
import { asOwn } from './own-scope.ts'
import type { Tool, ToolInput, ToolScope } from './tool.ts'

/** What a call may take when its module does not say. */
export const OWN_MS_USUAL = 60_000

/** Loads a module and makes its tool; throws FailureError `missing` with the file's name and what to do. */
export async function ownTool(path: string, world: World): Promise<Tool> {
  const own = await loadOwn(path)
  const name = moduleName(path)
  const timeMs = own.timeoutMs ?? OWN_MS_USUAL
  return {
    name,
    description: own.description,
    parameters: own.parameters ?? NOTHING,
    changes: own.changes ?? true,
    idempotent: own.idempotent ?? false,
    call: (input, scope) => bounded({ own, name, timeMs, world }, input, scope),
  }
}

/** What a module exports, held against what it should; throws as `ownTool`. */
export async function loadOwn(path: string): Promise<OwnTool> {
  const exported = await importedFrom(path, 'tool')
  const mistake = mistakeOf(exported)
  if (mistake === null) return exported as OwnTool // as: looked at, key by key, by mistakeOf
  throw missing(`the tool ${basename(path)} ${mistake}`, `${DEFAULT_EXPORT}; mend ${path}`)
}

const NOTHING = { type: 'object', properties: {}, additionalProperties: false }
const DEFAULT_EXPORT = 'A tool module has a default export such as { description, parameters, call }'

/** The default export of a module, as it is now; throws FailureError `missing` in words about a tool, or a hook. */
export async function importedFrom(path: string, what: string): Promise<unknown> {
  const mtimeMs = await changedAtMs(path, what)
  try {
    const load = () => import(`${pathToFileURL(path).href}?t=${Math.trunc(mtimeMs)}`)
    const loaded: { default?: unknown } = await asOwn(`the ${what} ${basename(path)}`, load)
    return loaded.default
  } catch (thrown) {
    const said = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : 'it threw something that is no error'
    const line = said.split('\n')[0]?.slice(0, SAID_UNITS_MAX) ?? ''
    throw missing(`the ${what} ${basename(path)} cannot be loaded (${line})`, loadRemedy(path, thrown), thrown)
  }
}

/** Apart from loading it: a file that the module itself looks for in vain is another matter. */
async function changedAtMs(path: string, what: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') throw missing(`the ${what} ${basename(path)} is not there`, `Put it at ${path}`)
    throw missing(
      `the ${what} ${basename(path)} cannot be read (${codeOf(thrown)})`,
      `Look at the rights of ${path}`,
      thrown,
    )
  }
}

/** Of a module's own words. */
export const SAID_UNITS_MAX = 500

/** What is wrong with an export; null: it is a tool. */
function mistakeOf(exported: unknown): string | null {
  if (typeof exported !== 'object' || exported === null) return 'has no default export that is a tool'
  const { description, parameters, call, changes, idempotent, timeoutMs } = exported as Partial<
    Record<keyof OwnTool, unknown>
  > // as: an object may have any of these
  const wrong: [string, boolean][] = [
    ['description', typeof description !== 'string' || description.trim() === ''],
    ['call', typeof call !== 'function'],
    ['changes', !['boolean', 'undefined'].includes(typeof changes)],
    ['idempotent', !['boolean', 'undefined'].includes(typeof idempotent)],
    ['timeoutMs', timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MS_MAX)],
  ]
  const key = wrong.find(([, isWrong]) => isWrong)?.[0]
  if (key !== undefined) return `has no usable ${key}`
  if (parameters === undefined) return null
  const mistake = schemaMistake(parameters)
  return mistake === null ? null : `has parameters that are no JSON Schema of an object (${mistake})`
}

/** The longest that a timer takes. */
const MS_MAX = 2_147_483_647

interface Calling {
  readonly own: OwnTool
  readonly name: string
  readonly timeMs: number
  readonly world: World
}

/** Settles by the time limit and in the moment of an abort, whatever the module does. */
async function bounded(calling: Calling, input: ToolInput, scope: ToolScope): Promise<string> {
  throwIfAborted(scope.signal)
  const { own, name, timeMs, world } = calling
  const ending = new AbortController()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = (reason: FailureError): void => {
    reject(reason)
    ending.abort(reason)
  }
  const cancel = (): void => end(cancelled())
  scope.signal.addEventListener('abort', cancel, { once: true })
  const timer = world.clock.setTimeout(() => end(tookTooLong(name, timeMs)), timeMs)
  try {
    const call = () => own.call(input, { ...scope, signal: ending.signal })
    const called = asOwn(`the tool ${name}`, () => Promise.resolve().then(call))
    // Nobody may be waiting any more when it fails.
    called.catch(() => {})
    return textOf(await Promise.race([called, ended]))
  } catch (thrown) {
    if (thrown instanceof FailureError) throw thrown
    const said = thrown instanceof Error ? thrown.message : String(thrown)
    throw refused(`${name} failed: ${said.slice(0, SAID_UNITS_MAX)}`, thrown)
  } finally {
    world.clock.clearTimeout(timer)
    scope.signal.removeEventListener('abort', cancel)
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  // Nothing, functions and symbols have no JSON.
  return JSON.stringify(value) ?? '[done]'
}
