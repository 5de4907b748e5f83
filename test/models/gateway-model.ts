// What can be seen of a gateway: its channels and what each is told, the reports and the roll call, who holds a slot, what is asked
// of the disk at an end, which delays run. Written from the promises (C1, C3, S7, S44); it knows nothing of the gateway's chart.
// The world has two channels; one of them can leave the file and come back to it.

import { reducerModel } from '../support/paths.ts'

/** Newer files, by what they say of channel b, of agent `ops` and of how many may run at once. */
export const FILES = {
  both: { b: 1, ops: true, limit: 1 },
  withoutB: { b: null, ops: true, limit: 1 },
  /** Another connection for b, and agent `ops` is gone. */
  moved: { b: 2, ops: false, limit: 1 },
  wider: { b: 1, ops: true, limit: 2 },
} as const

export type File = keyof typeof FILES

type Plain<T extends string, Carried = {}> = T extends string ? { readonly type: T } & Carried : never

export type Id = 'a' | 'b'

export type GatewayEvent =
  | Plain<
      | 'fiftySeconds'
      | 'scheduleFails'
      | 'breaks'
      | 'disk'
      | 'diskFails'
      | 'owe'
      | 'delivered'
      | 'waitsInVain'
      | 'sweep'
      | 'time'
      | 'drain'
    >
  | { readonly type: 'reports'; readonly of: Id; readonly state: 'connecting' | 'live' | 'retrying' | 'stopped' }
  | { readonly type: 'adopts'; readonly how: 'served' | 'kept' }
  | Plain<'fails' | 'failsOften' | 'ends' | 'accepted' | 'owed' | 'paused', { readonly of: Id }>
  | Plain<'asks' | 'gives', { readonly key: string }>
  | { readonly type: 'file'; readonly name: File }

interface Channel {
  /** What it was started from, or told last. */
  readonly file: File
  readonly heard: readonly string[]
}

export interface Seen {
  readonly [key: string]: unknown
  readonly at: 'starting' | 'serving' | 'finishing' | 'flushing' | 'stopped'
  readonly file: File
  /** Null: it has no actor. */
  readonly channels: Readonly<Record<Id, Channel | null>>
  readonly reports: Readonly<Record<Id, string | null>>
  readonly failures: Readonly<Record<Id, number>>
  readonly leaving: 'closing' | 'finishing' | 'flushing' | null
  /** How far b is with its newest definition; null: it serves it. */
  readonly adoption: 'trying' | 'kept' | null
  readonly running: readonly string[]
  readonly waiting: readonly string[]
  /** What the disk is asked, first first: what is owed by all, or by b; nobody takes a question back that nobody asks any more. */
  readonly asked: readonly ('all' | 'b' | 'nobody')[]
  readonly isOwing: boolean
  /** How long b is waited for when its runs are over. */
  readonly flushMs: number | null
  /** A schedule is there; one that failed begins again after a minute. */
  readonly hasSchedule: boolean
  /** Milliseconds until each delay is over. */
  readonly timers: Readonly<Record<string, number>>
  /** What the last event made it say. */
  readonly said: readonly string[]
}

const FRESH: Channel = { file: 'both', heard: [] }

const BEGINNING: Seen = {
  at: 'starting',
  file: 'both',
  channels: { a: FRESH, b: FRESH },
  reports: { a: null, b: null },
  failures: { a: 0, b: 0 },
  leaving: null,
  adoption: null,
  running: [],
  waiting: [],
  asked: [],
  isOwing: false,
  flushMs: null,
  hasSchedule: true,
  timers: {},
  said: [],
}

/** Failures in a row between the first and the last restart. */
export const OFTEN = 9

/** Restarts in a row that a channel gets. */
const RESTARTS_MAX = 10

export const gatewayModel = reducerModel<Seen, GatewayEvent>(BEGINNING, (before, event) => {
  const seen: Seen = { ...before, said: [] }
  return seen.at === 'stopped' ? seen : settle(next(seen, event))
})

function next(seen: Seen, event: GatewayEvent): Seen {
  switch (event.type) {
    case 'reports':
      return reported(seen, event.of, event.state)
    case 'adopts':
      return { ...seen, adoption: event.how === 'served' ? null : 'kept' }
    case 'fails':
      return failed(seen, event.of)
    case 'failsOften':
      return {
        ...seen,
        failures: { ...seen.failures, [event.of]: 1 + OFTEN },
        reports: { ...seen.reports, [event.of]: 'retrying' },
        said: OFTEN_FAILED[event.of],
      }
    case 'ends':
      return without(seen, event.of)
    case 'accepted':
      return told(seen, [event.of], 'message.accepted')
    case 'owed':
      return told(seen, [event.of], 'outbox.owed')
    case 'paused':
      return told(seen, [event.of], 'control')
    case 'sweep':
      return told(seen, idsOf(seen), 'sweep')
    case 'asks':
    case 'gives':
      return slots(seen, event)
    case 'file':
      return isDraining(seen) ? seen : redefined(seen, event.name)
    case 'scheduleFails':
      return timed({ ...seen, hasSchedule: false, said: ['failed schedule'] }, 'schedule', 60_000)
    case 'fiftySeconds':
      return { ...seen, timers: passed(seen, '', 50_000) }
    case 'disk':
      return read(seen)
    case 'diskFails':
      return lookingAgain(seen)
    case 'breaks':
      return seen.asked[0] === 'b' && !isDraining(seen) ? answered({ ...seen, said: ['failed b'] }) : answered(seen)
    case 'waitsInVain':
      return flushed({ ...seen, asked: [], timers: passed(seen, 'look b', 1_500) })
    case 'owe':
      return { ...seen, isOwing: true }
    case 'delivered':
      return { ...seen, isOwing: false }
    case 'time':
      return due(seen)
    case 'drain':
      return isDraining(seen) ? seen : drained(seen)
  }
}

// --- what becomes of channels ---

function reported(seen: Seen, id: Id, state: string): Seen {
  const isSilent = id === 'b' && seen.leaving === 'closing' && state === 'stopped'
  const after: Seen = isSilent ? { ...seen, leaving: 'finishing' } : seen
  return isNamed(seen, id) ? { ...after, reports: { ...seen.reports, [id]: state } } : after
}

function failed(seen: Seen, id: Id): Seen {
  const gone = { ...slotless(without(seen, id), id), said: [`failed ${id}`] }
  const isLeaving = id === 'b' && seen.leaving !== null
  if (isDraining(seen)) {
    const reports = isNamed(seen, id) ? { ...seen.reports, [id]: 'failed' } : seen.reports
    return { ...gone, waiting: [], leaving: id === 'b' ? null : seen.leaving, reports }
  }
  if (isLeaving) return flushed(granted(gone))
  const failures = seen.failures[id] + 1
  const isGivenUp = failures > RESTARTS_MAX
  const after: Seen = {
    ...gone,
    failures: { ...seen.failures, [id]: failures },
    reports: { ...seen.reports, [id]: isGivenUp ? 'failed' : 'retrying' },
    adoption: id === 'b' ? null : seen.adoption,
  }
  return granted(isGivenUp ? after : timed(after, `restart ${id}`, doubling(failures)))
}

/** b has left; when the file names it again, it begins anew. */
function flushed(seen: Seen): Seen {
  if (isDraining(seen)) return seen
  const gone: Seen = { ...without(unasked(seen), 'b'), leaving: null, flushMs: null }
  const said: Seen = { ...gone, said: [...seen.said, 'left b'] }
  return isNamed(said, 'b') ? { ...said, channels: { ...said.channels, b: { file: said.file, heard: [] } } } : said
}

function redefined(seen: Seen, name: File): Seen {
  const [before, now] = [FILES[seen.file].b, FILES[name].b]
  const isAlive = seen.channels.b !== null
  let after: Seen = toldOf({ ...seen, file: name }, 'a')
  if (before !== null && now === null) after = removed(after)
  else if (now !== null && seen.leaving !== null) {
    if (before === null) after = timed({ ...after, reports: { ...after.reports, b: 'stopped' } }, 'return', 20_000)
  } else if (now !== null) {
    after = isAlive ? toldOf(after, 'b') : before === now ? after : started(after)
    if (before === null)
      after = { ...after, reports: { ...after.reports, b: null }, failures: { ...after.failures, b: 0 } }
    else if (before !== now) {
      const adoption = isAlive ? 'trying' : after.adoption
      after = { ...after, adoption, failures: { ...after.failures, b: 0 } }
    }
  }
  return granted(after)
}

function removed(seen: Seen): Seen {
  const after: Seen = { ...told(seen, ['b'], 'drain'), adoption: null, failures: { ...seen.failures, b: 0 } }
  const leaving = seen.leaving ?? (seen.channels.b === null ? null : 'closing')
  return { ...after, leaving, reports: { ...seen.reports, b: null }, timers: timersBut(seen, 'return') }
}

function started(seen: Seen): Seen {
  return {
    ...seen,
    channels: { ...seen.channels, b: { file: seen.file, heard: [] } },
    timers: timersBut(seen, 'restart b'),
  }
}

/** The newest definition. */
function toldOf(seen: Seen, id: Id): Seen {
  const { file } = seen
  const { [id]: channel } = told(seen, [id], 'redefined').channels
  return channel === null ? seen : { ...seen, channels: { ...seen.channels, [id]: { ...channel, file } } }
}

function drained(seen: Seen): Seen {
  const after = told({ ...seen, at: 'finishing', waiting: [], hasSchedule: false }, ['a', 'b'], 'drain')
  return timed(after, 'drain', 20_000)
}

// --- what is due ---

function due(seen: Seen): Seen {
  const ms = Math.min(...Object.values(seen.timers))
  if (ms === Number.POSITIVE_INFINITY) return seen
  const after = settle(dueAfter(seen, ms))
  return Object.values(after.timers).includes(0) ? due(after) : after
}

function dueAfter(seen: Seen, ms: number): Seen {
  const [name = ''] = Object.entries(seen.timers).find(([, left]) => left === ms) ?? []
  const after: Seen = { ...seen, timers: passed(seen, name, ms) }
  const [what, id] = name.split(' ')
  switch (what) {
    case 'restart':
      if (isDraining(seen) || !isNamed(seen, id as Id)) return after
      return { ...after, channels: { ...seen.channels, [id as Id]: { file: seen.file, heard: [] } } }
    case 'return':
      // The time of its runs is over.
      if (isDraining(seen)) return after
      return seen.leaving === 'flushing' ? flushed(after) : told(after, ['b'], 'halt')
    case 'drain':
      return flushing(told(after, ['a', 'b'], 'halt'))
    case 'flush':
      return stopped(after)
    case 'schedule':
      return isDraining(seen) ? after : { ...after, hasSchedule: true }
    default:
      return id === 'nobody' ? after : { ...after, asked: [...seen.asked, id === 'b' ? 'b' : 'all'] }
  }
}

function read(seen: Seen): Seen {
  return seen.isOwing ? lookingAgain(seen) : answered(seen)
}

function lookingAgain(seen: Seen): Seen {
  const [of, ...asked] = seen.asked
  return timed({ ...seen, asked }, `look ${of}`, 25)
}

function answered(seen: Seen): Seen {
  const [of, ...asked] = seen.asked
  if (of === 'all') return stopped(seen)
  return of === 'b' ? flushed({ ...seen, asked }) : { ...seen, asked }
}

/** Nobody waits for what b owes any more. */
function unasked(seen: Seen): Seen {
  const { 'look b': left, ...timers } = seen.timers
  const asked = seen.asked.map((of) => (of === 'b' ? 'nobody' : of))
  const after: Seen = { ...seen, asked, timers: timersBut({ ...seen, timers }, 'return') }
  return left === undefined ? after : timed(after, 'look nobody', left)
}

/** What follows by itself. */
function settle(seen: Seen): Seen {
  if (seen.at === 'starting' && namedIn(seen).every((id) => ![null, 'connecting'].includes(seen.reports[id]))) {
    const roll = namedIn(seen).map((id) => `${id} ${seen.reports[id]}`)
    return settle({ ...seen, at: 'serving', said: [...seen.said, `roll call: ${roll.join(', ')}`] })
  }
  const isQuiet = namedIn(seen).every((id) => [null, 'stopped', 'retrying', 'failed'].includes(seen.reports[id]))
  if (seen.at === 'finishing' && isQuiet && seen.leaving !== 'closing' && seen.running.length === 0)
    return settle(flushing(seen))
  if (seen.leaving === 'finishing' && !seen.running.some((key) => key.startsWith('b')))
    return settle({
      ...seen,
      leaving: 'flushing',
      flushMs: isNamed(seen, 'b') ? 1_500 : 60_000,
      asked: [...seen.asked, 'b'],
    })
  return seen
}

function flushing(seen: Seen): Seen {
  const after: Seen = { ...seen, at: 'flushing', asked: [...seen.asked, 'all'], timers: timersBut(seen, 'drain') }
  return timed(after, 'flush', 1_500)
}

function stopped(seen: Seen): Seen {
  return { ...seen, at: 'stopped', channels: { a: null, b: null }, hasSchedule: false, asked: [], timers: {} }
}

// --- slots ---

/** First come, first served; who asks while it holds one gives that back first. */
function slots(seen: Seen, { type, key }: { readonly type: 'asks' | 'gives'; readonly key: string }): Seen {
  const running = seen.running.filter((other) => other !== key)
  if (isDraining(seen)) return { ...seen, running, waiting: [] }
  const others = seen.waiting.filter((other) => other !== key)
  const stays = type === 'asks' && seen.waiting.includes(key)
  return granted({ ...seen, running, waiting: stays ? seen.waiting : type === 'asks' ? [...others, key] : others })
}

function granted(seen: Seen): Seen {
  const free = Math.max(0, FILES[seen.file].limit - seen.running.length)
  return { ...seen, running: [...seen.running, ...seen.waiting.slice(0, free)], waiting: seen.waiting.slice(free) }
}

function slotless(seen: Seen, id: Id): Seen {
  const others = (keys: readonly string[]) => keys.filter((key) => !key.startsWith(id))
  return { ...seen, running: others(seen.running), waiting: others(seen.waiting) }
}

// --- parts ---

function told(seen: Seen, ids: readonly Id[], what: string): Seen {
  const channels = { ...seen.channels }
  for (const id of ids) {
    const channel = channels[id]
    if (channel !== null) channels[id] = { ...channel, heard: [...channel.heard, what] }
  }
  return { ...seen, channels }
}

function without(seen: Seen, id: Id): Seen {
  return { ...seen, channels: { ...seen.channels, [id]: null } }
}

function timed(seen: Seen, name: string, ms: number): Seen {
  return { ...seen, timers: { ...seen.timers, [name]: ms } }
}

function timersBut({ timers }: Seen, ...names: readonly string[]): Seen['timers'] {
  return Object.fromEntries(Object.entries(timers).filter(([name]) => !names.includes(name)))
}

function passed(seen: Seen, name: string, ms: number): Seen['timers'] {
  return Object.fromEntries(Object.entries(timersBut(seen, name)).map(([each, left]) => [each, left - ms]))
}

function isDraining({ at }: Seen): boolean {
  return at === 'finishing' || at === 'flushing'
}

function isNamed({ file }: Seen, id: Id): boolean {
  return id === 'a' || FILES[file].b !== null
}

export function namedIn(seen: Seen): Id[] {
  return (['a', 'b'] as const).filter((id) => isNamed(seen, id))
}

function idsOf(seen: Seen): Id[] {
  return namedIn(seen).filter((id) => seen.channels[id] !== null)
}

/** A second, then twice as long each time, a minute at most. */
export function doubling(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), 60_000)
}

const OFTEN_FAILED: Readonly<Record<Id, readonly string[]>> = {
  a: Array.from({ length: OFTEN }, () => 'failed a'),
  b: Array.from({ length: OFTEN }, () => 'failed b'),
}
