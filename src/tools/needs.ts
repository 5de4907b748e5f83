// Needs: what an agent needs of this machine, looked for before its first message: executables, and its given folder; then its modules.
//   A user's module is loaded for it, so that a mistake in it is named at the start and not in somebody's chat. One that does not come
//   to its end while it is loaded is given up: nobody else's start waits for it.

import { basename } from 'node:path'
import type { AgentDefinition, Lack } from '../../machines/definitions.ts'
import { type Failure, failureOf } from '../../machines/failure.ts'
import type { Phase } from '../../machines/phases.ts'
import { isBuiltIn } from '../../machines/tool-names.ts'
import type { Clock } from '../world.ts'
import { findExecutable, pathOf } from './executables.ts'
import { missing } from './failures.ts'
import { loadOwn } from './own.ts'
import { usableFolder } from './workdir.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What of the machine is not there. */
export async function lacksOf(definition: AgentDefinition, environment: Environment): Promise<readonly Lack[]> {
  return [...(await executableLacks(definition, environment)), ...(await folderLacks(definition))]
}

export async function executableLacks(definition: AgentDefinition, environment: Environment): Promise<readonly Lack[]> {
  const { tools, requires } = definition
  const names = [...new Set([...requires, ...(tools.includes('shell') ? ['sh'] : [])])]
  return present(names.map((name) => lookForExecutable(name, environment)))
}

/** A folder that is given. */
export async function folderLacks({ workdir }: AgentDefinition): Promise<readonly Lack[]> {
  return typeof workdir === 'object' ? present([attempted('requires', usableFolder(workdir.path))]) : []
}

/** Modules of users that cannot be used as they are. */
export async function moduleLacks({ tools }: AgentDefinition, clock: Clock): Promise<readonly Lack[]> {
  const modules = tools.filter((tool) => !isBuiltIn(tool))
  return present(modules.map((path) => attempted('construct', inTime(loadOwn(path), { path, what: 'tool' }, clock))))
}

/** Also a module that brings a large library along is loaded in a fraction of this. */
export const MODULE_MS_MAX = 10_000

/** What is being loaded: for words. */
interface Loading {
  readonly path: string
  readonly what: string
}

export async function inTime(loading: Promise<unknown>, { path, what }: Loading, clock: Clock): Promise<unknown> {
  const late = Promise.withResolvers<never>()
  const remedy = `Mend ${path}: what it waits for while it is loaded belongs into its call`
  const message = `the ${what} ${basename(path)} was not loaded within ${MODULE_MS_MAX / 1_000} seconds`
  const timer = clock.setTimeout(() => late.reject(missing(message, remedy)), MODULE_MS_MAX)
  try {
    return await Promise.race([loading, late.promise])
  } finally {
    clock.clearTimeout(timer)
  }
}

export async function present(looks: readonly Promise<Lack | null>[]): Promise<readonly Lack[]> {
  return (await Promise.all(looks)).filter((lack) => lack !== null)
}

async function lookForExecutable(name: string, environment: Environment): Promise<Lack | null> {
  if ((await findExecutable(name, pathOf(environment))) !== null) return null
  const what = name.includes('/') ? `${name} is not an executable file` : `${name} is not in PATH`
  return { phase: 'requires', what, remedy: `Install ${name}, or take it out of the agent's requires, and start again` }
}

export async function attempted(phase: Phase, look: Promise<unknown>): Promise<Lack | null> {
  try {
    await look
    return null
  } catch (thrown) {
    const { message, remedy }: Failure = failureOf(thrown)
    return { phase, what: message, remedy: `${remedy ?? 'The log has more'}, and start again` }
  }
}
