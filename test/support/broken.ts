// Broken on purpose: a machine with one place of its chart replaced, for suites that must catch it.

import { type AnyStateMachine, createMachine } from 'xstate'

/** The machine with `value` at `path` of its configuration; everything else, effects included, as it was. */
export function withChanged<T extends AnyStateMachine>(machine: T, path: readonly string[], value: unknown): T {
  const config = replaced(machine.config, path, value)
  return createMachine(config as never, machine.implementations as never) as unknown as T // The same chart but for one place.
}

/** The same without one action of those that stand there. */
export function withoutAction<T extends AnyStateMachine>(machine: T, path: readonly string[], action: string): T {
  const there = path.reduce((node, key) => Reflect.get(Object(node), key) as unknown, machine.config as unknown)
  const actions = [there].flat() as (string | { readonly type: string })[] // What stands under `actions` and `entry`.
  const left = actions.filter((each) => (typeof each === 'string' ? each : each.type) !== action)
  if (left.length === actions.length) throw new Error(`the chart does not ${action} there`)
  return withChanged(machine, path, left)
}

/** Both for a table of subjects: what is done to the machine, before there is one. */
export function changed(path: readonly string[], value: unknown) {
  return <T extends AnyStateMachine>(real: T): T => withChanged(real, path, value)
}

export function without(path: readonly string[], action: string) {
  return <T extends AnyStateMachine>(real: T): T => withoutAction(real, path, action)
}

function replaced(node: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  if (typeof node !== 'object' || node === null || !(key in node)) throw new Error(`the chart has no ${key} there`)
  const next = replaced(Reflect.get(node, key), rest, value)
  return Array.isArray(node) ? node.with(Number(key), next) : { ...node, [key]: next }
}
