// Broken parts: how one place of the real machines is changed, and everything else stays as it is.

import { type AnyActorLogic, type AnyStateMachine, createMachine } from 'xstate'
import { endingItsChildren } from '../../src/actors/ending.ts'
import type { Door } from '../../src/channels/adapter.ts'
import type { Store } from '../../src/store/store.ts'

export interface Breakage {
  readonly store?: (store: Store) => Store
  readonly door?: (door: Door) => Door
  readonly gateway?: (gateway: AnyStateMachine) => AnyStateMachine
}

export type Machine = (machine: AnyStateMachine) => AnyStateMachine
export type Config = Readonly<Record<string, unknown>>

/** As XState keeps a promise's logic; its types leave it out. */
export interface PromiseCreator<Output, Input> {
  config(scope: { readonly input: Input; readonly signal: AbortSignal }): Promise<Output>
}

export function inRun(change: Machine): Machine {
  return inSession((session) => within(session, 'run', change))
}

export function inSession(change: Machine): Machine {
  return inPartition((partition) => within(partition, 'session', change))
}

export function inPartition(change: Machine): Machine {
  return (gateway) => within(gateway, 'channel', (channel) => within(channel, 'partition', change))
}

/** A machine with one of its actors changed. */
export function within(machine: AnyStateMachine, actor: string, change: Machine): AnyStateMachine {
  const real = machine.implementations.actors[actor] as AnyActorLogic as AnyStateMachine
  return endingItsChildren(machine.provide({ actors: { [actor]: change(real) } as never }))
}

/** A machine with other effects of these names. */
export function withEffects(
  machine: AnyStateMachine,
  effects: { readonly actors?: Config; readonly actions?: Config },
): AnyStateMachine {
  return endingItsChildren(machine.provide(effects as never))
}

export function promiseIn<Output, Input>(machine: AnyStateMachine, actor: string): PromiseCreator<Output, Input> {
  return machine.implementations.actors[actor] as unknown as PromiseCreator<Output, Input>
}

/** A machine with one state of its chart changed, and the same effects and some more. */
export function withState(
  machine: AnyStateMachine,
  path: readonly string[],
  change: (state: Config) => Config,
  actors: Config = {},
): AnyStateMachine {
  // Broken on purpose: no type fits it.
  const keys = path.flatMap((name) => ['states', name])
  const config = changed(machine.config as Config, keys, change) as never
  const { implementations } = machine
  const given = { ...implementations, actors: { ...implementations.actors, ...actors } }
  return endingItsChildren(createMachine(config, given as never))
}

/** A machine that is told something else than what was sent to it. */
export function hearing(machine: AnyStateMachine, change: (event: Config) => Config): AnyStateMachine {
  const deaf: AnyStateMachine = Object.create(machine)
  const transition: AnyStateMachine['transition'] = (snapshot, event, scope) =>
    machine.transition(snapshot, change(event as Config), scope)
  return endingItsChildren(Object.assign(deaf, { transition }))
}

/** A plain object of which what stands under these keys is another one. */
export function changed(whole: Config, keys: readonly string[], change: (part: Config) => Config): Config {
  const [key, ...rest] = keys
  if (key === undefined) return change(whole)
  const there = whole[key] as Config | undefined
  if (there === undefined) throw new Error(`the chart has no ${key} there`)
  return { ...whole, [key]: changed(there, rest, change) }
}
