// Module load: a user's channel module, from its file to an adapter; what is wrong with it in words, and what to do.
//   One that does not come to its end while it is loaded is given up.

import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FailureError } from '../../machines/failure.ts'
import { loadRemedy } from '../../machines/own-modules.ts'
import type { AdapterParts } from './adapter.ts'
import type { OwnAdapter, OwnChannel, Setting } from './define-channel.ts'
import { asModule } from './module-scope.ts'

export interface ModulePlace {
  /** Absolute. */
  readonly path: string
  readonly settings: Readonly<Record<string, Setting>>
}

/** For people. */
export function moduleName({ path }: Pick<ModulePlace, 'path'>): string {
  return `the channel module ${basename(path)}`
}

/** Well within a connection's own time. */
const LOAD_MS_MAX = 5_000

/** Rejects with a FailureError of the phase `construct`. */
export async function loadChannel({ path, settings }: ModulePlace, parts: AdapterParts): Promise<OwnAdapter> {
  const { definition, secret, world } = parts
  const { token } = definition
  const own = { ...parts, settings, token: () => (token === null ? null : secret(token)) }
  const late = Promise.withResolvers<never>()
  const give = () => late.reject(unusable(path, `was not loaded within ${LOAD_MS_MAX / 1_000} seconds`))
  const timer = world.clock.setTimeout(give, LOAD_MS_MAX)
  try {
    const built = asModule(moduleName({ path }), async () => (await loaded(path))(own))
    const adapter = await Promise.race([built, late.promise])
    const lacking = ['run', 'send', 'probe'].find((name) => typeof Object(adapter)[name] !== 'function')
    if (lacking === undefined) return adapter
    throw unusable(path, `gives an adapter without ${lacking}`)
  } catch (thrown) {
    throw thrown instanceof FailureError ? thrown : unusable(path, `failed (${wordsOf(thrown)})`, thrown)
  } finally {
    world.clock.clearTimeout(timer)
  }
}

async function loaded(path: string): Promise<OwnChannel> {
  const file = await stat(path).catch((thrown: unknown) => {
    throw unusable(path, 'is not there', thrown)
  })
  // A changed file has another address, and is loaded anew.
  const { default: create }: { default?: unknown } = await import(
    `${pathToFileURL(path).href}?t=${Math.trunc(file.mtimeMs)}`
  )
  if (typeof create === 'function') return create as OwnChannel // as: a function; what it gives back is looked at
  throw unusable(path, 'has no default export that is a function')
}

function wordsOf(thrown: unknown): string {
  const said = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : 'it threw something that is no error'
  return said.split('\n')[0]?.slice(0, 500) ?? ''
}

function unusable(path: string, what: string, cause?: unknown): FailureError {
  const failure = {
    kind: 'permanent',
    reason: 'missing',
    message: `${moduleName({ path })} ${what}`,
    remedy: `${loadRemedy(path, cause)}; then reconnect the channel`,
    phase: 'construct',
  } as const
  return new FailureError(failure, { cause })
}
