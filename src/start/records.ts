// Records: sessions, dead letters and pairings as people see them; from the store, with or without a running gateway.

import type { GatewayDefinition } from '../../machines/definitions.ts'
import type { AcceptedMessage, SessionState } from '../../machines/messages.ts'
import type { DeadLetterView, GatewayPort, PairingView, ScheduleView, SessionView } from '../http/port.ts'
import type { ScheduleRecord } from '../store/schedules.ts'
import type { DeadLetter, Pairing, SessionSummary, Store } from '../store/store.ts'
import type { World } from '../world.ts'
import { schedulesView } from './schedules-view.ts'
import { sessionUsageView, usageViews } from './usage-view.ts'

export type RecordsPort = Pick<
  GatewayPort,
  | 'sessions'
  | 'transcript'
  | 'sessionUsage'
  | 'usage'
  | 'schedules'
  | 'deadLetters'
  | 'retryDeadLetter'
  | 'pairings'
  | 'approvePairing'
  | 'revokePairing'
>

export interface Living {
  stateOf(): ReadonlyMap<string, SessionState>
  onMessage(message: AcceptedMessage): void
  onOwed(channel: string, conversation: string): void
  /** The newest. */
  definition(): GatewayDefinition
  nowMs(): number
}

/** Without a running gateway a retried dead letter waits on disk for the next start. */
export function nobodyLives({ definition, world }: { definition: GatewayDefinition; world: World }): Living {
  const { nowMs } = world
  return { stateOf: () => new Map(), onMessage: () => {}, onOwed: () => {}, definition: () => definition, nowMs }
}

/** What the file alone says of its schedules; `records` is what was kept of them. */
export function schedulesIn(
  living: Pick<Living, 'definition' | 'nowMs'>,
  records: readonly ScheduleRecord[],
): ScheduleView[] {
  const { schedules, channels } = living.definition()
  const agentOf = (channel: string): string => channels[channel]?.routes.default ?? ''
  return schedulesView({ schedules, records, nowMs: living.nowMs(), agentOf })
}

export function recordsPort(store: Store, living: Living): RecordsPort {
  return {
    async sessions(limit, { search = '', state, offset = 0 } = {}) {
      const states = living.stateOf()
      const filter = { search, offset, ...keysIn(state, states) }
      return (await store.sessions(limit, filter)).map((session) => sessionView(session, states))
    },
    async transcript(key) {
      const entries = await store.transcript(key)
      if (entries.length > 0) return entries
      const known = living.stateOf().has(key)
      return known ? [] : null
    },
    sessionUsage: (key) => sessionUsageView(store, key),
    usage: usageViews(store),
    schedules: async () => schedulesIn(living, await store.schedules()),
    async deadLetters(limit) {
      return (await store.deadLetters(limit)).map(deadLetterView)
    },
    async retryDeadLetter(id) {
      const retried = await store.retryDeadLetter(id)
      if (retried?.kind === 'message') living.onMessage(retried.message)
      if (retried?.kind === 'reply') living.onOwed(retried.channel, retried.conversation)
      return retried !== null
    },
    async pairings() {
      return (await store.pairings()).map(pairingView)
    },
    async approvePairing(code) {
      const pairing = await store.approvePairing(code)
      return pairing === null ? null : pairingView(pairing)
    },
    revokePairing: (channel, user) => store.revokePairing(channel, user),
  }
}

/** Only the living tree knows who is in which state; who is not in it is passivated. */
function keysIn(state: SessionView['state'] | undefined, states: ReadonlyMap<string, SessionState>) {
  if (state === undefined) return {}
  if (state === 'passivated') return { without: [...states.keys()] }
  return { only: [...states].filter(([, each]) => each === state).map(([key]) => key) }
}

export function sessionView(session: SessionSummary, states: ReadonlyMap<string, SessionState>): SessionView {
  const { key, channel, conversation, agent, turns, waiting, updatedAtMs } = session
  const state = states.get(key) ?? 'passivated'
  return { key, channel, conversation, agent, state, turns, waiting, updated_at: new Date(updatedAtMs).toISOString() }
}

function deadLetterView({ id, kind, channel, conversation, text, reason, atMs }: DeadLetter): DeadLetterView {
  return { id, kind, channel, conversation, text, reason, at: new Date(atMs).toISOString() }
}

function pairingView({ channel, user, name, code, atMs }: Pairing): PairingView {
  return { channel, user, name, code, at: new Date(atMs).toISOString() }
}
