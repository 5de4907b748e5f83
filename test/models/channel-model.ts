// What can be seen of a channel: what it says of itself and of its newest definition, which connection and which trial of a
// definition the platform has, who is admitted, what is asked of the disk, which delays run. Written from the promises (C1, C2,
// M5, S5, S11); it knows nothing of the channel's chart.
// A connection that the platform has is one until it ends, whatever it was told.

import { reducerModel } from '../support/paths.ts'

/** Newer files, by what they say of the channel. Only what the connection is made of needs another one. */
export const FILES = {
  first: { credential: 1, strict: false, missing: null },
  /** The same connection, and strangers are turned away. */
  strict: { credential: 1, strict: true, missing: null },
  second: { credential: 2, strict: false, missing: null },
  third: { credential: 3, strict: false, missing: null },
  lacking: { credential: 2, strict: false, missing: 'ONE' },
  lackingOther: { credential: 2, strict: false, missing: 'TWO' },
} as const

export type File = keyof typeof FILES

/** Why a connection ends by itself. */
type End = 'cut' | 'limited' | 'refused' | 'ended'

type Plain<T extends string> = T extends string ? { readonly type: T } : never

export type ChannelEvent =
  | Plain<'disk' | 'diskFails' | 'live' | 'breaks' | 'time' | 'drain'>
  | { readonly type: 'ends'; readonly why: End }
  | { readonly type: 'control'; readonly what: 'pause' | 'resume' | 'reconnect' }
  | { readonly type: 'file'; readonly name: File }
  | { readonly type: 'trial'; readonly how: 'well' | 'away' | 'refused' }

type Why = End | 'silence' | 'stuck' | 'disk' | 'defect' | 'missing ONE' | 'missing TWO'

export interface Seen {
  readonly [key: string]: unknown
  readonly at:
    | 'reading'
    | 'readingAgain'
    | 'connecting'
    | 'live'
    | 'closing'
    | 'retrying'
    | 'paused'
    | 'failed'
    | 'stopped'
  /** Where the end of a connection that is told to end leads. */
  readonly then: 'connecting' | 'redefined' | 'retrying' | 'paused' | 'stopped' | null
  /** What it says of itself. */
  readonly shown: string
  readonly why: Why | null
  /** Ends in failure in a row. */
  readonly failures: number
  /** Milliseconds until it has been live long enough for a fresh wait. */
  readonly untilStable: number | null
  /** The disk is asked what an earlier process did not finish; nobody takes that back. */
  readonly isAsked: boolean
  /** What the connection was made from that the platform has. */
  readonly connectedBy: File | null
  /** It was told to end and did not. */
  readonly isStuck: boolean
  readonly served: File
  /** The newest definition, while it waits for a connection of its own. */
  readonly next: File | null
  /** What was served before, while what is served has not been live yet. */
  readonly proven: File | null
  readonly trial: { readonly at: 'asked' | 'waiting'; readonly left: number } | null
  readonly trials: number
  /** What it says of its newest definition; null: nothing yet. */
  readonly adoption: string | null
  /** The next connection cannot even be begun. */
  readonly breaksNext: boolean
  /** What the partitions were told of the end. */
  readonly endings: readonly string[]
  /** Files that came; for the parts’ bounds. */
  readonly files: number
}

type Next = (seen: Seen, event: ChannelEvent) => Seen | null

function beginning(served: File): Seen {
  return {
    at: 'reading',
    then: null,
    shown: 'connecting',
    why: null,
    failures: 0,
    untilStable: null,
    isAsked: true,
    connectedBy: null,
    isStuck: false,
    served,
    next: null,
    proven: null,
    trial: null,
    trials: 0,
    adoption: null,
    breaksNext: false,
    endings: [],
    files: 0,
  }
}

export function channelModel(first: File) {
  return reducerModel<Seen, ChannelEvent>(beginning(first), (seen, event) => {
    if (event.type === 'breaks') return { ...seen, breaksNext: true }
    const after = STATES[seen.at](seen, event)
    const isOfDisk = event.type === 'disk' || event.type === 'diskFails'
    if (isOfDisk) return { ...(after ?? seen), isAsked: false }
    if (after === null) return seen
    if (event.type === 'drain') return { ...after, endings: [...seen.endings, 'drain'] }
    return event.type === 'file' ? { ...after, files: seen.files + 1 } : after
  })
}

const reading: Next = (seen, event) => {
  switch (event.type) {
    case 'disk': {
      const missing = missingIn(seen.served)
      return missing === null ? connecting(seen) : resting({ ...seen, why: missing }, 'failed')
    }
    case 'diskFails':
      return { ...seen, at: 'readingAgain', why: 'disk', failures: seen.failures + 1 }
    case 'file':
      // Nothing is served yet.
      return { ...seen, served: event.name, adoption: 'served' }
    case 'drain':
      return resting(seen, 'stopped')
    default:
      return null
  }
}

const readingAgain: Next = (seen, event) => {
  if (event.type === 'time') return { ...seen, at: 'reading', isAsked: true }
  return event.type === 'file' || event.type === 'drain' ? reading(seen, event) : null
}

/** What is said to a connection that is there, live or not yet. */
const connected: Next = (seen, event) => {
  switch (event.type) {
    case 'ends':
      return seen.proven === null ? over(seen, event.why) : backAgain(seen, event.why)
    case 'control':
      if (event.what === 'resume') return null
      return closing(seen, event.what === 'pause' ? 'paused' : 'connecting')
    case 'drain':
      return closing(seen, 'stopped')
    case 'file':
      return offered(seen, event.name)
    default:
      return null
  }
}

const connectingState: Next = (seen, event) => {
  if (event.type === 'live')
    return serving({ ...proved(seen), at: 'live', shown: 'live', why: null, untilStable: 60_000 })
  if (event.type === 'time') return closing({ ...seen, why: 'silence', failures: seen.failures + 1 }, 'retrying')
  return connected(seen, event)
}

const live: Next = (seen, event) => {
  const { trial } = seen
  switch (event.type) {
    case 'trial': {
      if (trial?.at !== 'asked') return null
      if (event.how === 'well') return { ...closing(seen, 'redefined'), failures: seen.failures }
      if (event.how === 'refused') return { ...kept(seen, 'refused'), trial: null }
      return waitingForTrial(seen, 'cut')
    }
    case 'time':
      return timeIn(seen)
    case 'file': {
      if (trial === null) return serving(offered(seen, event.name))
      return serving({ ...offered(seen, event.name), trial: null })
    }
    default:
      return connected(seen, event)
  }
}

/** What is due first; the other goes on. */
function timeIn(seen: Seen): Seen | null {
  const { untilStable, trial } = seen
  const passed = Math.min(untilStable ?? Number.POSITIVE_INFINITY, trial?.left ?? Number.POSITIVE_INFINITY)
  if (passed === Number.POSITIVE_INFINITY) return null
  if (passed === untilStable) {
    const left = trial === null ? null : { ...trial, left: trial.left - passed }
    return { ...seen, untilStable: null, failures: 0, trial: left }
  }
  const later = { ...seen, untilStable: untilStable === null ? null : untilStable - passed }
  return trial?.at === 'asked' ? waitingForTrial(later, 'silence') : { ...later, trial: ASKED }
}

const closingState: Next = (seen, event) => {
  switch (event.type) {
    case 'time':
      return seen.isStuck ? null : { ...seen, isStuck: true, why: 'stuck', shown: 'failed: stuck' }
    case 'control':
      if (seen.then === 'stopped') return null
      return event.what === 'pause' ? { ...seen, then: 'paused' } : { ...seen, then: 'connecting', failures: 0 }
    case 'drain':
      return { ...seen, then: 'stopped' }
    case 'file':
      return offered(seen, event.name)
    case 'ends':
      return closed({ ...seen, then: null, isStuck: false, connectedBy: null }, seen.then)
    default:
      return null
  }
}

function closed(seen: Seen, then: Seen['then']): Seen {
  switch (then) {
    case 'paused':
      return paused(seen)
    case 'stopped':
      return resting(seen, 'stopped')
    case 'redefined':
      // What lacks something is not even tried: the earlier one serves.
      return connecting({ ...(isWhole(seen.next) ? onTrial(seen) : seen), failures: 0 })
    case 'retrying':
      return seen.proven === null ? tryingAgain(seen) : backAgain(seen, seen.why ?? 'silence')
    default:
      return connecting(seen)
  }
}

const retrying: Next = (seen, event) => {
  switch (event.type) {
    case 'time':
      return connecting(seen)
    case 'control':
      return event.what === 'pause' ? paused(seen) : connecting({ ...seen, failures: 0 })
    case 'file':
      return nothingServed(offered(seen, event.name))
    case 'drain':
      return resting(seen, 'stopped')
    default:
      return null
  }
}

const pausedState: Next = (seen, event) => {
  switch (event.type) {
    case 'control': {
      if (event.what === 'pause') return null
      const missing = missingIn(seen.served)
      if (missing === null) return connecting({ ...seen, failures: 0 })
      return seen.proven === null ? resting({ ...seen, why: missing, failures: 0 }, 'failed') : backAgain(seen, missing)
    }
    case 'file':
      return atRest(offered(seen, event.name))
    case 'drain':
      return resting(seen, 'stopped')
    default:
      return null
  }
}

const failed: Next = (seen, event) => {
  switch (event.type) {
    case 'control':
      if (event.what === 'pause') return paused(seen)
      return missingIn(seen.served) === null ? connecting({ ...seen, failures: 0 }) : null
    case 'file':
      return nothingServed(offered(seen, event.name))
    case 'drain':
      return resting(seen, 'stopped')
    default:
      return null
  }
}

const STATES: Readonly<Record<Seen['at'], Next>> = {
  reading,
  readingAgain,
  connecting: connectingState,
  live,
  closing: closingState,
  retrying,
  paused: pausedState,
  failed,
  stopped: () => null,
}

// --- the connection ---

function connecting(seen: Seen): Seen {
  if (seen.breaksNext) return over({ ...seen, breaksNext: false }, 'defect')
  return { ...seen, at: 'connecting', shown: 'connecting', connectedBy: seen.served, untilStable: null }
}

/** What ended by itself is tried again where that can help. */
function over(seen: Seen, why: Why): Seen {
  const ended: Seen = { ...noConnection(seen), connectedBy: null, why, failures: seen.failures + 1 }
  return why === 'refused' ? nothingServed(resting(ended, 'failed')) : tryingAgain(ended)
}

function tryingAgain(seen: Seen): Seen {
  return nothingServed({ ...noConnection(seen), at: 'retrying', shown: `retrying: ${seen.why}` })
}

/** C2: only its end makes room for another. */
function closing(seen: Seen, then: Seen['then']): Seen {
  const failures = then === 'connecting' ? 0 : seen.failures
  return { ...noConnection(seen), at: 'closing', then, failures }
}

function noConnection(seen: Seen): Seen {
  return { ...seen, untilStable: null, trial: null }
}

function paused(seen: Seen): Seen {
  return atRest({ ...seen, at: 'paused', shown: 'paused', why: null })
}

function resting(seen: Seen, at: 'failed' | 'stopped'): Seen {
  return { ...seen, at, shown: at === 'failed' ? `failed: ${seen.why}` : 'stopped' }
}

// --- its definition ---

/** Served at once, unless it needs another connection: then it waits for one. */
function offered(seen: Seen, name: File): Seen {
  const waits = needsAnother(seen.served, name)
  const after: Seen = waits ? { ...seen, next: name } : { ...seen, served: name, next: null }
  return { ...after, trials: 0, adoption: adoptionOf(after) }
}

/** Live on its newest definition, it serves; a newer one that needs another connection is asked about first. */
function serving(seen: Seen): Seen {
  if (seen.next === null || seen.trial !== null) return seen
  const missing = missingIn(seen.next)
  return missing === null ? { ...seen, trial: ASKED } : kept(seen, missing)
}

function proved(seen: Seen): Seen {
  if (seen.proven === null) return seen
  const after: Seen = { ...seen, proven: null }
  return { ...after, adoption: adoptionOf(after) }
}

function kept(seen: Seen, why: Why): Seen {
  return { ...seen, next: null, trials: 0, adoption: `kept: ${why}` }
}

function waitingForTrial(seen: Seen, why: Why): Seen {
  const trials = seen.trials + 1
  return { ...seen, trials, trial: { at: 'waiting', left: doubling(trials) }, adoption: `trying: ${why}` }
}

/** Where nothing is served the newest definition is taken as it is. */
function nothingServed(seen: Seen): Seen {
  if (seen.next === null) return seen
  const took: Seen = {
    ...seen,
    served: seen.next,
    next: null,
    proven: null,
    trials: 0,
    failures: 0,
    adoption: 'served',
  }
  const missing = missingIn(took.served)
  return missing === null ? connecting(took) : resting({ ...took, why: missing }, 'failed')
}

/** Where the earlier one was at rest: it may be wanted again. */
function atRest(seen: Seen): Seen {
  return seen.next === null ? seen : { ...onTrial(seen), adoption: 'served' }
}

function onTrial(seen: Seen): Seen {
  if (seen.next === null) return seen
  const before = seen.proven ?? seen.served
  // To go back to what is tried would be to try it again.
  const proven = needsAnother(before, seen.next) ? before : null
  return { ...seen, served: seen.next, next: null, proven, trials: 0 }
}

/** The newer one did not go live: the earlier one serves again, and what came meanwhile is looked at anew. */
function backAgain(seen: Seen, why: Why): Seen {
  const back: Seen = { ...noConnection(seen), served: seen.proven ?? seen.served, proven: null, next: null }
  const after = seen.next === null ? { ...back, adoption: `kept: ${why}` } : offered(back, seen.next)
  return connecting({ ...after, why: null, failures: 0, trials: 0 })
}

function adoptionOf({ next, proven }: Seen): string {
  return next === null && proven === null ? 'served' : 'trying'
}

function needsAnother(served: File, newer: File): boolean {
  const [a, b] = [FILES[served], FILES[newer]]
  return a.credential !== b.credential || a.missing !== b.missing
}

function isWhole(file: File | null): boolean {
  return file === null || missingIn(file) === null
}

function missingIn(file: File): Why | null {
  const { missing } = FILES[file]
  return missing === null ? null : `missing ${missing}`
}

/** A trial that nobody answers ends by itself. */
const ASKED = { at: 'asked', left: 10_000 } as const

/** A second, then twice as long each time. */
export function doubling(failures: number): number {
  return 1_000 * 2 ** (failures - 1)
}
