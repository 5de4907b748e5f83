// The parts of the gateway's model: which of all that may happen each looks at, so that all of it together stays small enough to be
// walked whole.

import type { SnapshotFrom } from 'xstate'
import { type File, type GatewayEvent, type gatewayModel, type Id, OFTEN, type Seen } from './gateway-model.ts'

export interface GatewayPart {
  readonly events: readonly GatewayEvent[]
  readonly possible: (state: SnapshotFrom<typeof gatewayModel>, event: GatewayEvent) => boolean
}

const DISK: readonly GatewayEvent[] = [{ type: 'disk' }, { type: 'diskFails' }, { type: 'breaks' }]

const REPORTS = (of: Id, ...states: ('connecting' | 'live' | 'retrying' | 'stopped')[]): GatewayEvent[] =>
  states.map((state) => ({ type: 'reports', of, state }))

const FILES = (...names: File[]): GatewayEvent[] => names.map((name) => ({ type: 'file', name }))

/** What the world can do at all. */
function can(allow: (seen: Seen, event: GatewayEvent) => boolean): GatewayPart['possible'] {
  return ({ context: seen }, event) => {
    if (seen.at === 'stopped') return false
    switch (event.type) {
      case 'reports':
      case 'fails':
      case 'failsOften':
      case 'ends':
        return seen.channels[event.of] !== null && allow(seen, event)
      case 'asks':
      case 'gives':
        return seen.channels[event.key.startsWith('a') ? 'a' : 'b'] !== null && allow(seen, event)
      case 'breaks':
        return seen.asked[0] !== undefined && seen.asked[0] !== 'nobody' && allow(seen, event)
      case 'disk':
      case 'diskFails':
        return seen.asked.length > 0 && allow(seen, event)
      default:
        return allow(seen, event)
    }
  }
}

/** The roll call, what is passed on, channels that fail, and an end in order. */
export const LIFE: GatewayPart = {
  events: [
    ...REPORTS('a', 'connecting', 'live', 'stopped'),
    ...REPORTS('b', 'live', 'retrying', 'stopped'),
    { type: 'accepted', of: 'b' },
    { type: 'owed', of: 'b' },
    { type: 'paused', of: 'b' },
    { type: 'sweep' },
    { type: 'fails', of: 'b' },
    { type: 'failsOften', of: 'b' },
    { type: 'ends', of: 'b' },
    { type: 'asks', key: 'a/1' },
    { type: 'gives', key: 'a/1' },
    { type: 'owe' },
    { type: 'delivered' },
    ...DISK,
    ...FILES('moved'),
    { type: 'time' },
    { type: 'drain' },
  ],
  possible: can((seen, event) => {
    const { at, channels, failures, reports, running, timers } = seen
    const isFresh = [channels.a, channels.b].every((channel) => channel === null || channel.heard.length === 0)
    const isPlain = failures.b === 0 && isFresh && channels.b !== null
    const isDraining = at === 'finishing' || at === 'flushing'
    switch (event.type) {
      case 'reports':
        if (reports[event.of] === event.state) return false
        if (event.state === 'stopped') return at === 'finishing'
        return (
          at === 'starting' &&
          (event.state === 'connecting' ? reports.a === null && reports.b === 'live' : failures.b < 2)
        )
      case 'accepted':
      case 'owed':
      case 'paused':
      case 'sweep':
        return at === 'serving' && failures.b < 2 && isFresh && running.length === 0 && reports.b === 'live'
      case 'fails':
        if (at === 'finishing') return failures.b === 0 && running.length === 0 && reports.b === 'live'
        return isFresh && (failures.b < 2 || failures.b > OFTEN) && running.length === 0 && reports.a === 'live'
      case 'failsOften':
        return (
          at === 'serving' && failures.b === 1 && isFresh && reports.a === 'live' && timers['restart b'] === undefined
        )
      case 'ends':
        return at === 'serving' && isPlain && running.length === 0
      case 'asks':
        return (at === 'serving' && isPlain && running.length === 0) || (isDraining && running.length > 0)
      case 'owe':
        return at === 'serving' && isPlain && !seen.isOwing && running.length === 0
      case 'delivered':
        return seen.isOwing && timers['look all'] !== undefined
      case 'time':
        return at !== 'flushing' || timers['flush'] === 1_500
      case 'file':
        return at === 'finishing' && failures.b === 0 && running.length === 0
      case 'drain':
        return isDraining ? running.length === 0 && failures.b === 0 : failures.b < 2 && isFresh
      default:
        return true
    }
  }),
}

/** Slots: how many, whose, and in which order. */
export const SLOTS: GatewayPart = {
  events: [
    ...['a/1', 'a/2', 'b/1'].flatMap((key): GatewayEvent[] => [
      { type: 'asks', key },
      { type: 'gives', key },
    ]),
    { type: 'fails', of: 'b' },
    ...FILES('wider', 'both'),
    { type: 'drain' },
  ],
  possible: can(({ failures, channels, at }, event) => {
    switch (event.type) {
      case 'fails':
        return failures.b === 0
      case 'file':
        return (channels.a?.heard.length ?? 2) < 2 && failures.b === 0
      case 'drain':
        return failures.b === 0 && (channels.a?.heard.length ?? 1) === 0
      default:
        return at === 'starting' || failures.b === 0
    }
  }),
}

/** A channel leaves the file and comes back to it, in every order. */
export const LEAVING: GatewayPart = {
  events: [
    ...REPORTS('b', 'live', 'stopped'),
    ...FILES('both', 'withoutB', 'moved'),
    { type: 'adopts', how: 'served' },
    { type: 'adopts', how: 'kept' },
    { type: 'asks', key: 'b/1' },
    { type: 'gives', key: 'b/1' },
    { type: 'fails', of: 'b' },
    { type: 'owe' },
    { type: 'waitsInVain' },
    ...DISK,
    { type: 'time' },
    { type: 'drain' },
  ],
  possible: can((seen, event) => {
    const { at, file, channels, leaving, failures, running, asked, adoption, isOwing, timers, reports } = seen
    const files = channels.a?.heard.length ?? 4
    switch (event.type) {
      case 'reports':
        return event.state === 'live' ? files === 0 && reports.b === null : leaving === 'closing'
      case 'file':
        if (event.name === 'moved') return files === 0
        return file !== event.name && files < (leaving === 'closing' || leaving === 'finishing' ? 3 : 2)
      case 'adopts':
        return adoption === 'trying' && files === 1 && running.length === 0
      case 'asks':
        return files === 0 && running.length === 0 && reports.b === 'live'
      case 'fails':
        return failures.b === 0 && files < 3 && running.length === 0
      case 'owe':
        return at === 'starting' && !isOwing && running.length === 0 && leaving === 'closing' && files === 2
      case 'waitsInVain':
        return isOwing && asked[0] === 'b' && at === 'starting' && seen.flushMs === 1_500 && timers['return'] === 20_000
      case 'diskFails':
      case 'breaks':
        return !isOwing && Object.values(timers).every((left) => left >= 20_000 || left === 1_500)
      case 'time':
        return timers['look b'] === undefined || (!isOwing && files === 1)
      case 'drain':
        return at === 'starting' && leaving !== null && !isOwing && running.length === 0 && files < 3
      default:
        return true
    }
  }),
}

/** Nobody says when to sweep: everything else goes on. */
export const SWEEPERLESS: GatewayPart = {
  events: [...REPORTS('a', 'live'), ...REPORTS('b', 'live'), { type: 'sweep' }, ...FILES('wider'), { type: 'drain' }],
  possible: can(({ at, reports, channels }, event) => {
    if (event.type === 'reports') return reports[event.of] === null
    return at === 'serving' && channels.a?.heard.length === 0
  }),
}

/** A schedule that fails by a defect. */
export const SCHEDULED: GatewayPart = {
  events: [
    ...REPORTS('a', 'live'),
    ...REPORTS('b', 'live'),
    { type: 'scheduleFails' },
    { type: 'fiftySeconds' },
    { type: 'time' },
    { type: 'drain' },
  ],
  possible: can(({ at, reports, hasSchedule, timers }, event) => {
    if (event.type === 'reports') return reports[event.of] === null
    if (event.type === 'scheduleFails') return at === 'serving' && hasSchedule
    if (event.type === 'fiftySeconds') return at === 'serving' && timers['schedule'] === 60_000
    return at === 'serving' || (timers['schedule'] ?? 0) > 0
  }),
}
