// Module load: a user's channel module, from its file to an adapter; what is wrong with it in words, and what to do.
//   One that does not come to its end while it is loaded is given up.

import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FailureError } from '../../machines/failure.ts'
import { loadRemedy } from '../../machines/own-modules.ts'
import type { AdapterParts } from './adapter.ts'
import type { ChannelParts, OwnAdapter, OwnChannel } from './define-channel.ts'
import { asModule } from './module-scope.ts'

/** For people. */
export function moduleName(path: string): string {
  return `the channel module ${basename(path)}`
}

/** Well within a connection's own time. */
const LOAD_MS_MAX = 5_000

/** Rejects with a FailureError of the phase `construct`. */
export async function loadChannel(path: string, parts: AdapterParts): Promise<OwnAdapter> {
  const { definition, secret, world } = parts
  const { settings, token } = definition
  const own = { ...parts, settings, token: () => (token === null ? null : secret(token)) }
  const late = Promise.withResolvers<never>()
  const giveUp = (): void => late.reject(unusable(path, `was not loaded within ${LOAD_MS_MAX / 1_000} seconds`))
  const timer = world.clock.setTimeout(giveUp, LOAD_MS_MAX)
  try {
    const built = asModule(moduleName(path), async () => begun(path, await loaded(path), own))
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

/** What it is given may be the reason: the file says it, and not the module. */
async function begun(path: string, create: OwnChannel, parts: ChannelParts): Promise<OwnAdapter> {
  try {
    return await create(parts)
  } catch (thrown) {
    if (thrown instanceof FailureError) throw thrown
    const { failure } = unusable(path, `does not begin (${wordsOf(thrown)})`, thrown)
    const remedy = `Look at what the file gives it, or mend ${path}; then reconnect the channel`
    throw new FailureError({ ...failure, remedy }, { cause: thrown })
  }
}

function wordsOf(thrown: unknown): string {
  const said = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : 'it threw something that is no error'
  return said.split('\n')[0]?.slice(0, 500) ?? ''
}

function unusable(path: string, what: string, cause?: unknown): FailureError {
  const failure = {
    kind: 'permanent',
    reason: 'missing',
    message: `${moduleName(path)} ${what}`,
    remedy: `${loadRemedy(path, cause)}; then reconnect the channel`,
    phase: 'construct',
  } as const
  return new FailureError(failure, { cause })
}
