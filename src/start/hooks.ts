// Hooks of the gateway: the runner that all hooks go through, and what is told of no agent: that the gateway has started, and that
// something became a dead letter.
//   Told after the fact, and waited for by nobody. What a crash comes before is not told.

import { dirname, resolve } from 'node:path'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import { lackText } from '../../machines/channel-failure.ts'
import type { GatewayHookEvent, HookDocument } from '../../machines/hooks.ts'
import { type Hooks, tellHook } from '../actors/hooks.ts'
import type { Observe } from '../actors/observe.ts'
import type { ChannelStatus } from '../http/port.ts'
import type { Log } from '../log.ts'
import type { DeadLetter, Store } from '../store/store.ts'
import type { Groups } from '../tools/groups.ts'
import { hookRunner } from '../tools/hooks.ts'
import type { World } from '../world.ts'

export interface HookParts {
  /** Of the configuration: relative paths begin beside it. */
  readonly file: string
  readonly observe: Observe
  readonly groups: Groups
  readonly world: World
  readonly log: Log
}

export interface GatewayHooks {
  readonly hooks: Hooks
  /** The same store; what becomes a dead letter there is told. */
  around(store: Store): Store
  /** From now on hooks are those of the newest definition. */
  begin(definition: () => GatewayDefinition, started: Started): void
  /** Ends what runs. */
  close(): Promise<void>
}

interface Started {
  readonly at: string
  readonly version: string
  readonly url: string
  readonly rollCall: Promise<readonly ChannelStatus[]>
}

export function openHooks({ file, observe, groups, world, log }: HookParts): GatewayHooks {
  const runner = hookRunner({ world, folder: dirname(resolve(file)), groups })
  let newest: () => GatewayDefinition | null = () => null

  function tell(event: GatewayHookEvent, document: Omit<HookDocument, 'event'> & { readonly id: string }): void {
    for (const hook of newest()?.hooks[event] ?? [])
      tellHook({ hooks: runner, observe, log }, { hook, document: { ...document, event } })
  }

  return {
    hooks: runner,
    around: (store) =>
      toldOfDeadLetters(store, log, (letter) => {
        const { atMs, ...rest } = letter
        tell('dead_letter', {
          id: `dead_letter:${letter.id}`,
          dead_letter: { ...rest, at: new Date(atMs).toISOString() },
        })
      }),
    begin(definition, { at, rollCall, ...about }) {
      newest = definition
      void rollCall.then((called) => {
        const channels = called.map(({ id, state, reason }) => ({ id, state, reason }))
        tell('gateway.start', { id: `gateway.start:${at}`, ...about, channels })
      })
    },
    close: () => runner.close(),
  }
}

/** Says what the gateway lacks in the log, of each newer definition what was not said of the one before. */
export function sayingLacks(log: Log): (definition: GatewayDefinition) => GatewayDefinition {
  let said: readonly string[] = []
  return (definition) => {
    const lines = definition.lacking.map((lack) => ({ phase: lack.phase, line: lackText(lack) }))
    for (const { phase, line } of lines) if (!said.includes(line)) log.error({ phase }, line)
    said = lines.map(({ line }) => line)
    return definition
  }
}

/** As many as one commit makes, and more than a line of hooks takes. */
const LETTERS_MAX = 1_000

/** Each once, by its number, in order. */
function toldOfDeadLetters(store: Store, log: Log, tell: (letter: DeadLetter) => void): Store {
  let told = store.deadLetters(1).then(([newest]) => newest?.id ?? 0)
  const look = (): void => {
    told = told.then(async (last) => {
      const letters = (await store.deadLetters(LETTERS_MAX)).filter(({ id }) => id > last).reverse()
      for (const letter of letters) tell(letter)
      return letters.at(-1)?.id ?? last
    })
    told.catch((error: unknown) =>
      log.warn({ err: error }, 'dead letters could not be read, and no hook is told of them'),
    )
  }
  told.catch(() => {})
  return {
    ...store,
    async commit(commit) {
      await store.commit(commit)
      if (commit.settled.some(({ outcome }) => outcome === 'dead')) look()
    },
    async undeliverable(...input) {
      await store.undeliverable(...input)
      look()
    },
  }
}
