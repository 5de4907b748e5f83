// What can be seen of a channel's partitions, and the real channel held against it: who is started, what each is told, which
// session is in which, what becomes of one that fails, of one that nobody is in, and of all of them at the end.
// The world has one session that is written to, one conversation that is owed something, and a crowd that fills a partition.

import { expect } from 'vitest'
import type { SnapshotFrom } from 'xstate'
import { type Model, reducerModel, type Subject } from '../support/paths.ts'
import { settled } from '../support/world.ts'
import { type ChannelOptions, channelRig } from './channel-subject.ts'

type Event = {
  readonly type:
    | 'message'
    | 'owed'
    | 'crowd'
    | 'rests'
    | 'restsTooEarly'
    | 'sweep'
    | 'time'
    | 'fails'
    | 'disk'
    | 'diskFails'
    | 'drain'
    | 'ends'
    | 'halt'
}

interface Partition {
  /** Who has a place in it. */
  readonly children: readonly string[]
  readonly heard: readonly string[]
}

interface Seen {
  readonly [key: string]: unknown
  readonly at: 'live' | 'closing' | 'stopped'
  /** By number; null: it is gone. */
  readonly partitions: readonly (Partition | null)[]
  /** Messages of the session that are on disk, and how many were routed to its place. */
  readonly written: number
  readonly routed: Readonly<Record<string, number>>
  /** Partitions that the sweep has not come to. */
  readonly unswept: readonly number[]
  readonly sweeps: number
  /** The disk is asked what a lost partition leaves; it is asked again after a wait. */
  readonly isAsked: boolean
  readonly unread: number
  /** Slots that were given back. */
  readonly released: number
  readonly halted: boolean
}

const BEGINNING: Seen = {
  at: 'live',
  partitions: [],
  written: 0,
  routed: {},
  unswept: [],
  sweeps: 0,
  isAsked: false,
  unread: 0,
  released: 0,
  halted: false,
}

/** Of them a partition that has the session is full. */
const CROWD = 63
const FULL = 64

function next(seen: Seen, { type }: Event): Seen {
  switch (type) {
    case 'message': {
      const written = { ...seen, written: seen.written + 1 }
      return seen.at === 'live' ? routed(written, 'c1', '') : written
    }
    case 'owed':
      return routed(seen, 'owed d1', '')
    case 'crowd':
      return Array.from({ length: CROWD }, (_, index) => `x${index}`).reduce(joined, seen)
    case 'rests':
      return left(seen)
    case 'sweep':
      return seen.unswept.length > 0 ? seen : swept({ ...seen, unswept: living(seen), sweeps: seen.sweeps + 1 })
    case 'time':
      if (seen.unswept.length > 0) return swept(seen)
      if (seen.unread === 0 || seen.isAsked) return seen
      // What a stopped channel does not read is read after the next start.
      return seen.at === 'stopped' ? { ...seen, unread: 0 } : { ...seen, isAsked: true }
    case 'fails':
      return failed(seen)
    case 'disk': {
      const read = { ...seen, isAsked: false, unread: 0 }
      if (seen.at !== 'live') return read
      return Array.from({ length: seen.written }).reduce((into: Seen) => routed(into, 'c1', ' again'), read)
    }
    case 'diskFails':
      return { ...seen, isAsked: false, unread: seen.unread + 1 }
    case 'drain':
      return seen.at === 'live' ? { ...told(seen, 'drain'), at: 'closing' } : seen
    case 'ends':
      return { ...seen, at: 'stopped' }
    case 'halt':
      return { ...told(seen, 'halt'), halted: true }
    default:
      return seen
  }
}

/** To its place, or to the newest partition that has room, or to one of its own. */
function routed(seen: Seen, child: string, again: string): Seen {
  const placed = joined(seen, child)
  const count = (placed.routed[child] ?? 0) + 1
  const at = placeOf(placed, child)
  const hears = (partition: Partition) => ({ ...partition, heard: [...partition.heard, `${child} ${count}${again}`] })
  return { ...placed, routed: { ...placed.routed, [child]: count }, partitions: changed(placed, at, hears) }
}

function joined(seen: Seen, child: string): Seen {
  if (placeOf(seen, child) >= 0) return seen
  const roomy = living(seen).filter((number) => (seen.partitions[number]?.children.length ?? FULL) < FULL)
  const joins = (partition: Partition) => ({ ...partition, children: [...partition.children, child] })
  const at = roomy.at(-1)
  if (at !== undefined) return { ...seen, partitions: changed(seen, at, joins) }
  return { ...seen, partitions: [...seen.partitions, { children: [child], heard: [] }] }
}

function left(seen: Seen): Seen {
  const leaves = ({ children, heard }: Partition) => ({ children: children.filter((child) => child !== 'c1'), heard })
  return { ...seen, routed: { ...seen.routed, c1: 0 }, partitions: changed(seen, placeOf(seen, 'c1'), leaves) }
}

/** One partition after the other; one that nobody is in goes. */
function swept(seen: Seen): Seen {
  const [number = -1, ...unswept] = seen.unswept
  const isEmpty = seen.partitions[number]?.children.length === 0
  const hears = (partition: Partition) => (isEmpty ? null : { ...partition, heard: [...partition.heard, 'sweep'] })
  return { ...seen, unswept, partitions: changed(seen, number, hears) }
}

/** Its sessions give back their slots; what is unfinished comes back from the disk. */
function failed(seen: Seen): Seen {
  const number = placeOf(seen, 'c1')
  const lost = seen.partitions[number]?.children ?? []
  const sessions = lost.filter((child) => !child.startsWith('owed'))
  const gone = Object.fromEntries(lost.map((child) => [child, 0]))
  return {
    ...seen,
    partitions: changed(seen, number, () => null),
    routed: { ...seen.routed, ...gone },
    released: seen.released + sessions.length,
    isAsked: true,
  }
}

function told(seen: Seen, what: string): Seen {
  const partitions = seen.partitions.map((each) => each && { ...each, heard: [...each.heard, what] })
  return { ...seen, partitions }
}

function living({ partitions }: Seen): number[] {
  return partitions.flatMap((partition, number) => (partition === null ? [] : [number]))
}

function placeOf({ partitions }: Seen, child: string): number {
  return partitions.findIndex((partition) => partition?.children.includes(child))
}

function changed({ partitions }: Seen, at: number, how: (partition: Partition) => Partition | null) {
  return partitions.map((partition, number) => (number === at && partition !== null ? how(partition) : partition))
}

const machine = reducerModel<Seen, Event>(BEGINNING, next)

export const partitions: Model<typeof machine> = {
  machine,
  events: [
    { type: 'message' },
    { type: 'owed' },
    { type: 'crowd' },
    { type: 'rests' },
    { type: 'restsTooEarly' },
    { type: 'sweep' },
    { type: 'time' },
    { type: 'fails' },
    { type: 'disk' },
    { type: 'diskFails' },
    { type: 'drain' },
    { type: 'ends' },
    { type: 'halt' },
  ],
  possible: can,
}

function can({ context: seen }: SnapshotFrom<typeof machine>, { type }: Event): boolean {
  const { at, written, sweeps, unread, isAsked } = seen
  const isThere = placeOf(seen, 'c1') >= 0
  const owes = placeOf(seen, 'owed d1') >= 0
  const isFull = seen.partitions.some((partition) => partition?.children.length === FULL)
  switch (type) {
    case 'message':
      // Where it goes when two have room is nobody's business.
      if (isFull || (at !== 'live' && written > 0)) return false
      return written < 2 && sweeps === 0 && (isThere || living(seen).length < 2)
    case 'owed':
      return (
        !owes && (at === 'live' ? written === (isFull ? 1 : 0) : written === 0) && sweeps === 0 && seen.released === 0
      )
    case 'crowd':
      return isThere && written === 1 && !owes && !isFull && seen.released === 0 && at === 'live' && sweeps === 0
    case 'rests':
      return isThere && !isAsked && at === 'live' && unread === 0 && seen.released === 0
    case 'restsTooEarly':
      return isThere && seen.routed['c1'] === 2 && at === 'live'
    case 'sweep':
      return sweeps < 2 && at === 'live' && !isAsked && unread === 0
    case 'fails':
      return isThere && seen.released === 0 && sweeps === 0
    case 'disk':
      return isAsked
    case 'diskFails':
      return isAsked && unread < 2
    case 'ends':
      return at === 'closing'
    case 'halt':
      return at === 'stopped' && !seen.halted
    case 'time':
      return at !== 'closing'
    case 'drain':
      return at === 'live' && sweeps === 0 && written < 2 && (!isFull || owes) && (seen.released === 0 || isAsked)
  }
}

export async function partitionsSubject(
  options: Pick<ChannelOptions, 'taken' | 'broken'>,
): Promise<Subject<typeof machine>> {
  const rig = channelRig({ first: 'first', ...options })
  const { play, above, id } = rig
  await settled()
  for (const event of [{ type: 'disk' }, { type: 'live' }, { type: 'time' }] as const) {
    await play[event.type](event as never) // Each knows its own event.
    await settled()
  }
  const rests = (routed: number): void => rig.send({ type: 'child.stopped', child: `session:${id}/c1`, routed })
  const heard = (number: number) => {
    const told = rig.told(`partition:${number}`)
    return told && told.heard.filter((what) => !what.startsWith('x'))
  }
  let routed = 0
  const plays: Record<Event['type'], () => unknown> = {
    disk: () => play.disk({ type: 'disk' }),
    diskFails: () => play.diskFails({ type: 'diskFails' }),
    time: () => play.time({ type: 'time' }),
    drain: () => play.drain({ type: 'drain' }),
    ends: () => play.ends({ type: 'ends', why: 'ended' }),
    message: () => rig.accepts('c1'),
    owed: () => rig.send({ type: 'outbox.owed', conversation: 'd1' }),
    crowd: () => Array.from({ length: CROWD }, (_, index) => rig.routes(`x${index}`)),
    rests: () => rests(routed),
    restsTooEarly: () => rests(routed - 1),
    sweep: () => rig.send({ type: 'sweep' }),
    fails: () => rig.partitionOf('c1')?.send({ type: 'fails' }),
    halt: () => rig.send({ type: 'halt' }),
  }
  return {
    async play(event) {
      await plays[event.type]()
      await settled()
    },
    async compare({ context: seen }) {
      routed = seen.routed['c1'] ?? 0
      const { shown, reads, pending } = await rig.seen()
      expect({
        shown,
        reads,
        pending,
        partitions: seen.partitions.map((_, number) => heard(number)),
        another: heard(seen.partitions.length),
        released: above.released.length,
      }).toEqual({
        shown: seen.at === 'stopped' ? 'stopped' : 'live',
        reads: seen.isAsked ? 1 : 0,
        pending: pendingIn(seen),
        partitions: seen.partitions.map((each) => each && each.heard),
        another: null,
        released: seen.released,
      })
    },
    close: rig.close,
  }
}

function pendingIn({ at, unswept, unread, isAsked }: Seen): number[] {
  const waits = [
    ...(unswept.length > 0 ? [1] : []),
    ...(at === 'closing' ? [15_000] : []),
    ...(unread > 0 && !isAsked ? [1_000 * 2 ** (unread - 1)] : []),
  ]
  return waits.sort((a, b) => a - b)
}
