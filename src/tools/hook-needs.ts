// Hook needs: whether the hooks of a file are there: executables that can be started, modules that load and have a function.

import type { Lack } from '../../machines/definitions.ts'
import type { HookDefinition } from '../../machines/hooks.ts'
import type { Clock } from '../world.ts'
import { findExecutable, pathOf } from './executables.ts'
import { loadHook } from './hook-module.ts'
import { attempted, inTime, present } from './needs.ts'

type Hooks = Readonly<Record<string, readonly HookDefinition[]>>

export async function hookExecutableLacks(
  hooks: Hooks,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Lack[]> {
  return present(
    pathsOf(hooks, 'executable').map(async (path): Promise<Lack | null> => {
      if ((await findExecutable(path, pathOf(environment))) !== null) return null
      const isPath = path.includes('/')
      const what = isPath ? `the hook ${path} is not an executable file` : `the hook ${path} is not in PATH`
      const remedy = isPath ? `Put it there and make it executable (chmod +x ${path})` : `Install ${path}`
      return { phase: 'requires', what, remedy: `${remedy}, or take it out of hooks, and start again` }
    }),
  )
}

export function hookModuleLacks(hooks: Hooks, clock: Clock): Promise<readonly Lack[]> {
  return present(
    pathsOf(hooks, 'module').map((path) =>
      attempted('construct', inTime(loadHook(path), { path, what: 'hook' }, clock)),
    ),
  )
}

function pathsOf(hooks: Hooks, kind: HookDefinition['kind']): string[] {
  const paths = Object.values(hooks).flatMap((each) =>
    each.filter((hook) => hook.kind === kind).map(({ path }) => path),
  )
  return [...new Set(paths)]
}
