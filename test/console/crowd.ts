// Crowd: a gateway double with as many sessions as a test wants, the real charts, and actors whose transitions the test plays.
// It counts what it is asked for.

import { drawingOf } from '../../src/start/drawing.ts'
import type { ActorEvent, SessionView } from '../../src/http/port.ts'
import type { GatewayDouble } from '../http/double.ts'

const IN_PARTITION = 64

export interface Crowd {
  /** Rows that the page asked for, of sessions and of actors. */
  readonly rows: { sessions: number; actors: number }
  /** Who is followed now. */
  readonly followed: ReadonlySet<string>
  /** Where an actor stands, for those who come. */
  stand(place: string, now: Standing): void
  /** It takes a transition; everybody who follows it is told. */
  take(place: string, event: string, state: unknown, more?: Record<string, unknown>): void
}

interface Standing {
  readonly machine: string
  readonly state: unknown
  readonly context?: unknown
}

export function crowd(gateway: GatewayDouble, count = 10_000): Crowd {
  const rows = { sessions: 0, actors: 0 }
  const actors = createActors()
  const sessions = Array.from({ length: count }, (_, index) => sessionView(index))
  gateway.status = statusWith(gateway, count)
  gateway.sessions = async (limit, { search = '', state, offset = 0 } = {}) => {
    const found = sessions.filter((each) => each.key.includes(search) && (state === undefined || each.state === state))
    const page = found.slice(offset, offset + limit)
    rows.sessions += page.length
    return page
  }
  gateway.record = async (key) => {
    const session = sessions.find((each) => each.key === key)
    return session === undefined ? null : { session, entries: [], older: null }
  }
  gateway.actors = ({ under, search, offset, limit }) => {
    const all = search === '' ? childrenAt(under, count) : everybody(count).filter(({ id }) => id.includes(search))
    const page = all.slice(offset, offset + limit)
    rows.actors += page.length
    return {
      actor: rowOf(under, childrenAt(under, count).length),
      rows: page,
      total: search === '' ? all.length : null,
    }
  }
  gateway.machine = drawingOf
  gateway.followActor = actors.follow
  return { rows, followed: actors.followed, stand: actors.stand, take: actors.take }
}

/** Of 10,000 sessions the seventh from each ten runs. */
function sessionView(index: number): SessionView {
  const name = `person-${String(index).padStart(5, '0')}`
  const state = index % 10 === 7 ? 'running' : 'passivated'
  const updated_at = new Date(Date.now() - index * 60_000).toISOString()
  return {
    key: `cfo/${name}`,
    channel: 'cfo',
    conversation: name,
    agent: 'cfo',
    state,
    turns: index,
    waiting: 0,
    updated_at,
  }
}

function statusWith(gateway: GatewayDouble, count: number): GatewayDouble['status'] {
  const { status } = gateway
  return async () => {
    const running = Math.floor(count / 10)
    return {
      ...(await status()),
      sessions: { idle: 0, pending: 0, running, passivated: count - running, queued_messages: 0 },
    }
  }
}

interface Row {
  readonly place: string
  readonly id: string
  readonly machine: string | null
  readonly state: string | null
  readonly status: string
  readonly children: number
}

function childrenAt(place: string, count: number): readonly Row[] {
  const partitions = Math.ceil(count / IN_PARTITION)
  if (place === 'gateway') return [rowOf('channel:cfo', partitions), rowOf('sweeper', 0)]
  if (place === 'channel:cfo') return range(partitions).map((n) => rowOf(`channel:cfo/partition:${n}`, IN_PARTITION))
  const partition = /^channel:cfo\/partition:(\d+)$/.exec(place)?.[1]
  if (partition === undefined) return []
  const first = Number(partition) * IN_PARTITION
  return range(Math.min(IN_PARTITION, count - first)).map((n) => sessionRow(first + n))
}

function everybody(count: number): readonly Row[] {
  return [...childrenAt('gateway', count), ...childrenAt('channel:cfo', count), ...range(count).map(sessionRow)]
}

function sessionRow(index: number): Row {
  const { key } = sessionView(index)
  return { ...rowOf(`session:${key.replace('/', '%2F')}`, 0), id: `session:${key}`, state: 'idle' }
}

function rowOf(place: string, children: number): Row {
  const id = place.split('/').at(-1) ?? ''
  const machine = id === 'sweeper' ? null : (id.split(':')[0] ?? null)
  const states: Record<string, string> = { gateway: 'serving', channel: 'open.live', partition: 'supervising' }
  return { place, id, machine, state: machine === null ? null : (states[machine] ?? null), status: 'active', children }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function createActors() {
  const standing = new Map<string, Standing>()
  const followers = new Map<string, Set<(event: ActorEvent) => void>>()
  const past = new Map<string, unknown[]>()
  const followed = new Set<string>()
  let number = 0
  return {
    followed,
    stand: (place: string, now: Standing) => void standing.set(place, now),
    take(place: string, event: string, state: unknown, more: Record<string, unknown> = {}) {
      number += 1
      const before = standing.get(place) ?? { machine: 'session', state: null }
      standing.set(place, { ...before, state })
      const transition = {
        number,
        at: Date.now(),
        event,
        state,
        status: 'active',
        from: null,
        message: { type: event },
        ...more,
      }
      past.set(place, [...(past.get(place) ?? []), transition])
      for (const tell of followers.get(place) ?? []) tell({ name: 'transition', data: JSON.stringify(transition) })
    },
    async follow(place: string, emit: (event: ActorEvent) => void | Promise<void>, signal: AbortSignal) {
      const { machine, state, context = {} } = standing.get(place) ?? { machine: 'session', state: null }
      const status = standing.has(place) ? 'active' : 'absent'
      const now = { place, machine, state, status, context, children: [], past: past.get(place) ?? [] }
      await emit({ name: 'now', data: JSON.stringify(now) })
      const tell = (event: ActorEvent) => void emit(event)
      followers.set(place, (followers.get(place) ?? new Set()).add(tell))
      followed.add(place)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      followers.get(place)?.delete(tell)
      if (followers.get(place)?.size === 0) followed.delete(place)
    },
  }
}
