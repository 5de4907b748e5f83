// What can be seen of a schedule: which question waits for the disk, which times were said, when it looks at the clock again. Written
// from the promises; it knows nothing of the schedule's chart. The world's clock is moved by hand.
// The world fails twice in a row at most, is lost once at most, and moves its clock only by leaps.

import { assign, setup, type SnapshotFrom } from 'xstate'

export const SCHEDULE_EVENTS = [
  { type: 'disk' },
  { type: 'diskFails' },
  { type: 'time' },
  { type: 'jump', hours: 2 },
  { type: 'jump', hours: 27 },
  { type: 'back' },
  { type: 'crash' },
  { type: 'breaks' },
] as const

export type ScheduleEvent = (typeof SCHEDULE_EVENTS)[number]

interface Seen {
  /** Minutes since its beginning, on the clock of the machine. */
  readonly minute: number
  /** Up to which minute everything was said, as it is on record; null: it is not on record. */
  readonly record: number | null
  /** The same as this life knows it. */
  readonly after: number
  /** When it asked for the record, and the time that it is saying. */
  readonly asked: number
  readonly due: number
  /** Hours that were said. */
  readonly said: readonly number[]
  /** The next look at the pattern throws. */
  readonly broken: boolean
  readonly failures: number
  readonly crashes: number
  readonly jumps: number
}

const COUNTS = { failures: 0, crashes: 0, jumps: 0 }

const BEGINNING: Seen = { minute: 0, record: null, after: 0, asked: 0, due: 0, said: [], broken: false, ...COUNTS }

const MISSED_MINUTES_MAX = 24 * 60

/** Its pattern has two times in all: an hour after the beginning, and two. */
function newestOf({ minute }: Seen): number {
  return Math.min(2, Math.floor(minute / 60)) * 60
}

function isDue(seen: Seen): boolean {
  return newestOf(seen) > seen.after && !isPast(seen)
}

function isPast(seen: Seen): boolean {
  return seen.minute - newestOf(seen) > MISSED_MINUTES_MAX
}

export const scheduleModel = setup({
  types: { context: {} as Seen, events: {} as ScheduleEvent },
  actions: {
    ask: assign({ asked: ({ context }) => context.minute }),
    recall: assign(({ context }) => ({
      record: context.record ?? context.asked,
      after: context.record ?? context.asked,
    })),
    /** Nobody writes that down: another life finds it past again. */
    pass: assign({ after: ({ context }) => newestOf(context) }),
    takeUp: assign({ due: ({ context }) => newestOf(context) }),
    say: assign(({ context: { said, due } }) => ({ said: [...said, due / 60], record: due, after: due, failures: 0 })),
    jump: assign(({ context, event }) => ({
      minute: context.minute + (event.type === 'jump' ? event.hours * 60 : 0),
      jumps: context.jumps + 1,
    })),
    back: assign(({ context }) => ({ minute: Math.max(0, context.minute - 90), jumps: context.jumps + 1 })),
    fail: assign({ failures: ({ context }) => context.failures + 1 }),
    break: assign({ broken: true }),
    mend: assign({ broken: false }),
    crash: assign({ failures: 0, crashes: ({ context }) => context.crashes + 1 }),
  },
  guards: {
    isBroken: ({ context }) => context.broken,
    isDue: ({ context }) => isDue(context),
    isPast: ({ context }) => newestOf(context) > context.after && isPast(context),
  },
}).createMachine({
  context: BEGINNING,
  initial: 'recalling',
  on: {
    jump: { actions: 'jump' },
    back: { actions: 'back' },
    breaks: { actions: 'break' },
    crash: { target: '.recalling', reenter: true, actions: 'crash' },
  },
  states: {
    recalling: {
      entry: 'ask',
      on: { disk: { target: 'looking', actions: 'recall' }, diskFails: { target: 'waiting', actions: 'fail' } },
    },
    looking: {
      always: [
        { guard: 'isBroken', target: 'waiting', actions: ['mend', 'fail'] },
        { guard: 'isDue', target: 'accepting' },
        { guard: 'isPast', target: 'sleeping', actions: 'pass' },
        { target: 'sleeping' },
      ],
    },
    sleeping: { on: { time: 'looking' } },
    accepting: {
      entry: 'takeUp',
      on: { disk: { target: 'looking', actions: 'say' }, diskFails: { target: 'waiting', actions: 'fail' } },
    },
    waiting: { on: { time: { target: 'recalling' } } },
  },
})

/** Where one failure more, one life more or a longer time would only be the same again. */
export function scheduleCan({ value, context }: SnapshotFrom<typeof scheduleModel>, event: ScheduleEvent): boolean {
  const { said, failures, crashes, jumps } = context
  switch (event.type) {
    case 'diskFails':
      return failures < (crashes === 0 ? 2 : 1) && said.length === 0
    case 'jump':
      return (
        failures === 0 &&
        !context.broken &&
        (jumps === 0 || (jumps === 1 && value === 'sleeping' && said.length === 1 && event.hours === 2))
      )
    case 'back':
      return jumps === 1 && value === 'sleeping' && failures === 0
    case 'breaks':
      return value === 'sleeping' && failures === 0 && crashes === 0 && jumps === 0 && !context.broken
    case 'crash':
      return crashes < 1 && failures === 0 && jumps < 2 && !context.broken
    default:
      return true
  }
}
