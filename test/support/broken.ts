// Broken on purpose: a machine with one place of its chart replaced, for suites that must catch it.

import { type AnyStateMachine, createMachine } from 'xstate'

/** The machine with `value` at `path` of its configuration; everything else, effects included, as it was. */
export function withChanged<T extends AnyStateMachine>(machine: T, path: readonly string[], value: unknown): T {
  const config = changed(machine.config, path, value)
  return createMachine(config as never, machine.implementations as never) as unknown as T // The same chart but for one place.
}

/** The same with `edit` of what stands there. */
export function withEdited<T extends AnyStateMachine>(
  machine: T,
  path: readonly string[],
  edit: (value: never) => unknown,
): T {
  const there = path.reduce((node, key) => Reflect.get(Object(node), key) as unknown, machine.config as unknown)
  return withChanged(machine, path, edit(there as never))
}

function changed(node: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  if (typeof node !== 'object' || node === null || !(key in node)) throw new Error(`the chart has no ${key} there`)
  return { ...node, [key]: changed(Reflect.get(node, key), rest, value) }
}
