// What can be seen of a delivery: which operation waits for the disk, what is with the platform, when it tries again, what is
// on disk. Written from the promises (D1, D2, S48, S49, S51); it knows nothing of the delivery's chart.
// The world writes two replies at most, fails twice in a row at most, and takes a reply in one part or in two.

import { assign, setup, type SnapshotFrom } from 'xstate'

export const DELIVERY_EVENTS = [
  { type: 'owe' },
  { type: 'wake' },
  { type: 'disk' },
  { type: 'diskFails' },
  { type: 'took' },
  { type: 'tookPart' },
  { type: 'refused', why: 'away' },
  { type: 'refused', why: 'limited' },
  { type: 'refused', why: 'blocked' },
  { type: 'refused', why: 'revoked' },
  { type: 'cut' },
  { type: 'time' },
  { type: 'drain' },
] as const

export type DeliveryEvent = (typeof DELIVERY_EVENTS)[number]

interface Seen {
  /** Replies that were ever written, and those of them that are delivered or given up. */
  readonly written: number
  readonly over: number
  readonly dead: number
  /** Parts of the oldest reply that have a receipt. */
  readonly parts: number
  /** Its record says that a send was begun, and whether an earlier one ended in a way that nobody knows. */
  readonly attempting: boolean
  readonly inDoubt: boolean
  /** What the record said when it was looked up: the platform is told. */
  readonly doubt: boolean
  readonly arrived: readonly string[]
  /** The part that is being recorded is not the last. */
  readonly more: boolean
  readonly why: 'away' | 'limited' | 'blocked' | 'revoked' | 'cut' | 'deadline' | 'disk' | null
  readonly failures: number
  readonly unsure: number
  readonly diskFailures: number
  /** Something was routed since the look began. */
  readonly again: boolean
  readonly drained: boolean
  /** An operation of a send that was given up still stands in the disk's line, first. */
  readonly late: 'attempt' | 'unattempt' | null
}

const BEGINNING: Seen = {
  written: 0,
  over: 0,
  dead: 0,
  parts: 0,
  attempting: false,
  inDoubt: false,
  doubt: false,
  arrived: [],
  more: false,
  why: null,
  failures: 0,
  unsure: 0,
  diskFailures: 0,
  again: false,
  drained: false,
  late: null,
}

const FRESH = { parts: 0, attempting: false, inDoubt: false, doubt: false, failures: 0, unsure: 0, why: null } as const

export const deliveryModel = setup({
  types: { context: {} as Seen, events: {} as DeliveryEvent },
  actions: {
    write: assign({ written: ({ context }) => context.written + 1 }),
    wake: assign({ again: true }),
    look: assign({ again: false }),
    takeUp: assign({ doubt: ({ context }) => context.attempting || context.inDoubt, diskFailures: 0, why: null }),
    nothingOwed: assign({ ...FRESH, diskFailures: 0 }),
    mark: assign({ attempting: true, inDoubt: ({ context }) => context.inDoubt || context.attempting }),
    unmark: assign({ attempting: false }),
    arrive: assign({
      arrived: ({ context }) => [...context.arrived, `${context.over + 1}.${context.parts}`],
      more: ({ event }) => event.type === 'tookPart',
    }),
    keep: assign(({ context }) =>
      context.more
        ? { ...FRESH, parts: context.parts + 1, more: false }
        : { ...FRESH, over: context.over + 1, more: false },
    ),
    bury: assign({
      ...FRESH,
      over: ({ context }) => context.over + 1,
      dead: ({ context }) => context.dead + 1,
    }),
    because: assign({ why: (_, params: { why: Seen['why'] }) => params.why }),
    fail: assign({
      failures: ({ context }) => context.failures + 1,
      unsure: ({ context }) => context.unsure + (context.why === 'cut' || context.why === 'deadline' ? 1 : 0),
    }),
    failDisk: assign({ diskFailures: ({ context }) => context.diskFailures + 1 }),
    drain: assign({ drained: true }),
    late: assign({ late: (_, params: { operation: Seen['late'] }) => params.operation }),
    lateDone: assign(({ context }) =>
      context.late === 'attempt'
        ? { late: null, attempting: true, inDoubt: context.inDoubt || context.attempting }
        : { late: null, attempting: false },
    ),
    lateFailed: assign({ late: null }),
  },
  guards: {
    isLate: ({ context }) => context.late !== null,
    owes: ({ context }) => context.written > context.over,
    looksAgain: ({ context }) => context.again && !context.drained,
    drained: ({ context }) => context.drained,
    hopeless: ({ context }) => context.why === 'blocked' || context.unsure > 1,
    revoked: ({ context }) => context.why === 'revoked',
  },
}).createMachine({
  context: BEGINNING,
  initial: 'looking',
  on: {
    owe: { actions: 'write' },
    drain: { actions: 'drain' },
    disk: { guard: 'isLate', actions: 'lateDone' },
    diskFails: { guard: 'isLate', actions: 'lateFailed' },
  },
  states: {
    looking: {
      exit: 'look',
      on: {
        owe: { actions: ['write', 'wake'] },
        wake: { actions: 'wake' },
        disk: [
          { guard: 'isLate', actions: 'lateDone' },
          { guard: 'owes', target: 'marking', actions: 'takeUp' },
          { guard: 'looksAgain', target: 'looking', reenter: true, actions: 'nothingOwed' },
          { target: 'empty', actions: 'nothingOwed' },
        ],
        diskFails: [
          { guard: 'isLate', actions: 'lateFailed' },
          { target: 'waitingForDisk', actions: 'failDisk' },
        ],
      },
    },
    marking: {
      on: {
        disk: { target: 'sending', actions: 'mark' },
        diskFails: { target: 'deciding', actions: { type: 'because', params: { why: 'disk' } } },
        time: {
          target: 'deciding',
          actions: [
            { type: 'late', params: { operation: 'attempt' } },
            { type: 'because', params: { why: 'deadline' } },
          ],
        },
      },
    },
    sending: {
      on: {
        took: { target: 'recording', actions: 'arrive' },
        tookPart: { target: 'recording', actions: 'arrive' },
        refused: { target: 'unmarking', actions: { type: 'because', params: ({ event }) => event } },
        cut: { target: 'deciding', actions: { type: 'because', params: { why: 'cut' } } },
        time: { target: 'deciding', actions: { type: 'because', params: { why: 'deadline' } } },
      },
    },
    unmarking: {
      on: {
        disk: { target: 'deciding', actions: 'unmark' },
        diskFails: { target: 'deciding', actions: { type: 'because', params: { why: 'disk' } } },
        time: {
          target: 'deciding',
          actions: [
            { type: 'late', params: { operation: 'unattempt' } },
            { type: 'because', params: { why: 'deadline' } },
          ],
        },
      },
    },
    deciding: {
      entry: 'fail',
      always: [
        { guard: 'hopeless', target: 'burying', actions: { type: 'because', params: { why: null } } },
        { guard: 'drained', target: 'empty', actions: { type: 'because', params: { why: null } } },
        { target: 'waiting' },
      ],
    },
    waiting: {
      exit: { type: 'because', params: { why: null } },
      on: {
        time: 'looking',
        drain: { target: 'empty', actions: 'drain' },
        owe: [{ guard: 'revoked', target: 'looking', actions: 'write' }, { actions: 'write' }],
        wake: { guard: 'revoked', target: 'looking' },
      },
    },
    recording: {
      on: {
        disk: { target: 'looking', actions: 'keep' },
        diskFails: { target: 'recordingAgain', actions: 'failDisk' },
      },
    },
    recordingAgain: { on: { time: 'recording' } },
    burying: {
      on: {
        disk: [
          { guard: 'isLate', actions: 'lateDone' },
          { target: 'looking', actions: 'bury' },
        ],
        diskFails: [
          { guard: 'isLate', actions: 'lateFailed' },
          { target: 'buryingAgain', actions: 'failDisk' },
        ],
      },
    },
    buryingAgain: { on: { time: 'burying' } },
    waitingForDisk: { on: { time: 'looking' } },
    empty: {
      on: {
        owe: { target: 'looking', actions: 'write' },
        wake: 'looking',
      },
    },
  },
})

/** Where one failure more, or one reply, would only be the same again. */
export function deliveryCan({ value, context }: SnapshotFrom<typeof deliveryModel>, event: DeliveryEvent): boolean {
  const { written, over, parts, drained, late, failures, diskFailures } = context
  const troubles = failures + diskFailures
  const mayFail = troubles < (drained || written > 1 ? 1 : 2)
  const fresh = troubles === 0 && parts === 0 && late === null && !drained
  switch (event.type) {
    case 'owe':
      return written === 0 || (written === 1 && fresh && ['looking', 'sending', 'waiting', 'empty'].includes(value))
    case 'wake':
      return value === 'waiting' || value === 'empty' || (value === 'looking' && written === 0)
    case 'diskFails':
      return mayFail && (failures === 0 || value === 'burying')
    case 'refused':
      return mayFail && parts === 0 && (event.why === 'away' || failures === 0)
    case 'cut':
      return mayFail && parts === 0
    case 'tookPart':
      return written < 2 && fresh
    case 'time':
      return mayFail || !['marking', 'sending', 'unmarking'].includes(value)
    case 'drain':
      return over === 0 && written < 2 && parts === 0 && late === null
    default:
      return true
  }
}
