// The parts of the channel's model: which of all that may happen each looks at, so that all of it together stays small enough to be
// walked whole.

import type { SnapshotFrom } from 'xstate'
import type { ChannelEvent, channelModel, File, Seen } from './channel-model.ts'

export interface ChannelPart {
  readonly first: File
  readonly events: readonly ChannelEvent[]
  readonly possible: (state: SnapshotFrom<ReturnType<typeof channelModel>>, event: ChannelEvent) => boolean
}

const ENDS: readonly ChannelEvent[] = (['cut', 'limited', 'refused', 'ended'] as const).map((why) => ({
  type: 'ends',
  why,
}))

const CONTROLS: readonly ChannelEvent[] = (['pause', 'resume', 'reconnect'] as const).map((what) => ({
  type: 'control',
  what,
}))

const FILES = (...names: File[]): ChannelEvent[] => names.map((name) => ({ type: 'file', name }))

const TRIALS: readonly ChannelEvent[] = (['well', 'away', 'refused'] as const).map((how) => ({ type: 'trial', how }))

/** What the world can do at all. */
function can(allow: (seen: Seen, event: ChannelEvent) => boolean): ChannelPart['possible'] {
  return ({ context: seen }, event) => {
    switch (event.type) {
      case 'disk':
      case 'diskFails':
        return seen.isAsked && allow(seen, event)
      case 'live':
      case 'ends':
        return seen.connectedBy !== null && allow(seen, event)
      case 'trial':
        return seen.trial?.at === 'asked' && allow(seen, event)
      case 'drain':
        return seen.endings.length === 0 && allow(seen, event)
      default:
        return allow(seen, event)
    }
  }
}

/** One definition: ends, silences, an operator’s hand, the end of the process. */
export const CONNECTION: ChannelPart = {
  first: 'first',
  events: [
    { type: 'disk' },
    { type: 'diskFails' },
    { type: 'live' },
    { type: 'breaks' },
    ...ENDS,
    ...CONTROLS,
    { type: 'time' },
    { type: 'drain' },
  ],
  possible: can(({ at, then, failures, breaksNext }, event) => {
    switch (event.type) {
      case 'diskFails':
        return failures < 2
      case 'breaks':
        return at === 'reading' && !breaksNext
      case 'ends':
        // In a connection that is told to end it is the same why.
        return at === 'closing' ? event.why === 'cut' : failures < (event.why === 'cut' ? 3 : 2)
      case 'control':
        return event.what !== 'resume' || at !== 'closing' || then === 'paused'
      case 'time':
        return at !== 'connecting' || failures < 2
      default:
        return true
    }
  }),
}

/** A newer file while it is live: what needs another connection is asked about first, and put to trial then. */
export const REDEFINED: ChannelPart = {
  first: 'first',
  events: [
    { type: 'disk' },
    { type: 'live' },
    { type: 'ends', why: 'cut' },
    { type: 'ends', why: 'refused' },
    ...FILES('first', 'strict', 'second', 'third', 'lacking'),
    ...TRIALS,
    { type: 'time' },
    { type: 'drain' },
  ],
  possible: can(({ at, failures, files, trials, next, proven, trial, untilStable }, event) => {
    switch (event.type) {
      case 'ends':
        if (at === 'closing') return event.why === 'cut'
        return failures === 0 && (proven !== null || (next !== null && event.why === 'refused'))
      case 'file':
        if (at === 'live' && files === 0) return event.name !== 'third'
        if (files !== 1 || (next === null && proven === null)) return false
        return event.name !== 'strict' && (event.name !== 'third' || next === 'second')
      case 'trial':
        return event.how !== 'away' || trials === 0
      case 'time':
        if (at !== 'live') return failures === 0 && proven !== null
        return trial !== null && trials < 2 && files === 1 && untilStable !== null
      case 'drain':
        return files === 1 && next !== null
      default:
        return true
    }
  }),
}

/** A newer file in every other state. */
export const REDEFINED_AT_REST: ChannelPart = {
  first: 'first',
  events: [
    { type: 'disk' },
    { type: 'diskFails' },
    { type: 'live' },
    { type: 'ends', why: 'cut' },
    { type: 'ends', why: 'refused' },
    { type: 'control', what: 'pause' },
    { type: 'control', what: 'resume' },
    ...FILES('first', 'strict', 'second', 'lacking'),
    { type: 'time' },
  ],
  possible: can(({ at, failures, files, next, trial }, event) => {
    switch (event.type) {
      case 'diskFails':
        return files === 1 && failures === 0
      case 'ends':
        if (at === 'closing') return event.why === 'cut'
        return failures === 0 && trial === null && (files > 0 || at === 'live')
      case 'control':
        if (event.what === 'pause') return at === 'failed' || (files === 0 && at !== 'retrying')
        return at === 'paused' && files > 0
      case 'file':
        if (files === 0) return at !== 'live'
        return files === 1 && event.name !== 'strict' && (at === 'closing' || at === 'paused' || next !== null)
      case 'time':
        return at === 'readingAgain' || at === 'retrying'
      default:
        return true
    }
  }),
}

/** A definition that names a variable which is not set. */
export const LACKING: ChannelPart = {
  first: 'lacking',
  events: [
    { type: 'disk' },
    { type: 'live' },
    ...CONTROLS,
    ...FILES('lacking', 'lackingOther', 'second'),
    { type: 'drain' },
  ],
  possible: can(({ at, files }, event) => {
    if (event.type === 'file') return files < 2
    return event.type === 'live' || event.type === 'disk' || at === 'failed' || at === 'paused'
  }),
}
