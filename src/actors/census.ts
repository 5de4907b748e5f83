// Census: how many sessions are in which state, read from the living tree at the moment of asking. Nothing is counted twice
// because nothing is counted beside the actors.

import { isSession, nameOf } from '../../machines/addresses.ts'
import type { SessionState } from '../../machines/messages.ts'
import { turnsWaiting, type Inbox } from '../../machines/inbox.ts'

export interface Census {
  readonly idle: number
  readonly pending: number
  readonly running: number
  /** Messages that wait in the inboxes. */
  readonly queued: number
  readonly live: number
}

/** As much of an actor as a census looks at. */
interface Living {
  getSnapshot(): unknown
}

interface Seen {
  readonly value?: unknown
  readonly context?: { readonly waiting?: Inbox }
  readonly children?: Readonly<Record<string, Living>>
}

export function census(gateway: Living): Census {
  const counts = { idle: 0, pending: 0, running: 0, queued: 0, live: 0 }
  for (const session of sessions(gateway)) {
    const seen = look(session)
    const state = topState(seen.value)
    if (state !== null) counts[state] += 1
    counts.queued += turnsWaiting(seen.context?.waiting ?? [])
    counts.live += 1
  }
  return counts
}

/** State of each live session by its key. */
export function sessionStates(gateway: Living): Map<string, SessionState> {
  const states = new Map<string, SessionState>()
  for (const [address, session] of sessionEntries(gateway)) {
    const state = topState(look(session).value)
    if (state !== null) states.set(nameOf(address), state)
  }
  return states
}

function* sessions(gateway: Living): Generator<Living> {
  for (const [, session] of sessionEntries(gateway)) yield session
}

function* sessionEntries(gateway: Living): Generator<[string, Living]> {
  for (const [, channel] of childrenOf(gateway)) {
    for (const [, partition] of childrenOf(channel)) {
      yield* childrenOf(partition).filter(([address]) => isSession(address))
    }
  }
}

function childrenOf(actor: Living): [string, Living][] {
  return Object.entries(look(actor).children ?? {})
}

function look(actor: Living): Seen {
  return actor.getSnapshot() as Seen // Every machine's snapshot has these; other logics have none of them.
}

/** `draining` is an idle session that takes nothing more. */
function topState(value: unknown): SessionState | null {
  const name = typeof value === 'string' ? value : Object.keys(value ?? {})[0]
  if (name === 'pending' || name === 'running') return name
  return name === 'idle' || name === 'draining' ? 'idle' : null
}
