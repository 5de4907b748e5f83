// What can be seen of a partition: who is alive in it and what each was told, what the channel and the gateway learn, what is
// asked of the disk, when a failed child is started again. Written from the promises (restart intensity, S4, S55, M3, M4).
// The world has one session that is at work, rests and fails, a sibling that must notice nothing, and one delivery.

import { assign, not, setup, type SnapshotFrom, stateIn } from 'xstate'

export const PARTITION_EVENTS = [
  { type: 'message' },
  { type: 'sibling' },
  { type: 'outbox' },
  { type: 'rests' },
  { type: 'restsTooEarly' },
  { type: 'fails', of: 'defect' },
  { type: 'fails', of: 'disk' },
  { type: 'failsOften' },
  { type: 'deliveryRests' },
  { type: 'deliveryRestsTooEarly' },
  { type: 'deliveryFails' },
  { type: 'deliveryFailsOften' },
  { type: 'disk' },
  { type: 'diskFails' },
  { type: 'time' },
  { type: 'sweep' },
  { type: 'redefined' },
  { type: 'drain' },
  { type: 'halt' },
] as const

export type PartitionEvent = (typeof PARTITION_EVENTS)[number]

interface Seen {
  /** Messages that were accepted for the session, and those of them that are settled. */
  readonly written: number
  readonly settled: number
  readonly dead: number
  /** Up to this one a message had its place in the session. */
  readonly reached: number
  /** What the living session was given since it began. */
  readonly received: readonly string[]
  readonly endings: readonly string[]
  /** The definition is a newer one; the living session knows it. */
  readonly newer: boolean
  readonly knows: boolean
  /** Messages that are being set aside one by one. */
  readonly toBury: number
  readonly sweeps: number
  readonly failures: number
  /** A message came after the drain began: it is on disk, and nobody is told of it. */
  readonly dropped: boolean
  /** The channel keeps a place for the session, for the delivery. */
  readonly placed: boolean
  readonly deliveryPlaced: boolean
  readonly deliveryEndings: readonly string[]
  readonly deliveryFailures: number
}

/** Restarts in a row that a child gets. */
const RESTARTS_MAX = 10

/** Between the first failure and the last restart. */
export const OFTEN = 9

const NOBODY = { received: [], endings: [], knows: false } as const
const GONE = { ...NOBODY, failures: 0, sweeps: 0, reached: 0 } as const
const DELIVERY_GONE = { deliveryPlaced: false, deliveryFailures: 0, deliveryEndings: [] } as const

const chart = setup({
  types: { context: {} as Seen, events: {} as PartitionEvent },
  actions: {
    write: assign({ written: ({ context }) => context.written + 1 }),
    drop: assign({ written: ({ context }) => context.written + 1, placed: true, dropped: true }),
    receive: assign({
      written: ({ context }) => context.written + 1,
      received: ({ context }) => [...context.received, `${context.written + 1}`],
      reached: ({ context }) => context.written + 1,
      knows: ({ context }) => context.newer,
      placed: true,
    }),
    rest: assign({ settled: ({ context }) => context.written, failures: 0, sweeps: 0 }),
    sweep: assign({ sweeps: ({ context }) => context.sweeps + 1 }),
    fail: assign({ ...NOBODY, failures: ({ context }) => context.failures + 1, sweeps: 0 }),
    /** Nine times more, each with its restart. */
    failOften: assign(({ context: { written, settled, failures } }) => ({
      failures: failures + OFTEN,
      received: numbers(settled, written).map((seq) => `${seq} again`),
      endings: [],
      reached: written,
    })),
    beGone: assign(({ context }) => ({ ...GONE, placed: context.dropped })),
    redefine: assign({ newer: true }),
    resume: assign(({ context: { written, settled, reached, newer } }) => ({
      knows: newer,
      received: numbers(settled, written).map((seq) => (seq <= reached ? `${seq} again` : `${seq}`)),
      reached: written,
    })),
    beginAnew: assign(({ context: { written, settled, newer } }) => ({
      knows: newer,
      received: numbers(settled, written).map(String),
      reached: written,
      failures: 0,
    })),
    readToBury: assign({ toBury: ({ context }) => context.reached - context.settled }),
    bury: assign({
      toBury: ({ context }) => context.toBury - 1,
      settled: ({ context }) => context.settled + 1,
      dead: ({ context }) => context.dead + 1,
    }),
    placeDelivery: assign({ deliveryPlaced: true }),
    failDelivery: assign({ deliveryFailures: ({ context }) => context.deliveryFailures + 1, deliveryEndings: [] }),
    failDeliveryOften: assign({ deliveryFailures: ({ context }) => context.deliveryFailures + OFTEN }),
    deliveryGone: assign(DELIVERY_GONE),
    end: assign(({ context, event }) => ({ endings: [...context.endings, event.type] })),
    endDelivery: assign(({ context, event }) => ({ deliveryEndings: [...context.deliveryEndings, event.type] })),
  },
  guards: {
    draining: stateIn({ phase: 'draining' }),
    isOfDisk: ({ event }) => event.type === 'fails' && event.of === 'disk',
    givesUp: ({ context }) => context.failures >= RESTARTS_MAX,
    givesUpDelivery: ({ context }) => context.deliveryFailures >= RESTARTS_MAX,
    isUnfinished: ({ context }) => context.written > context.settled,
    isUnfinishedButLast: ({ context }) => context.written > context.settled + 1,
    hasToBury: ({ context }) => context.reached > context.settled,
    isLastToBury: ({ context }) => context.toBury === 1,
    isSweptOut: ({ context }) => context.sweeps >= 3,
  },
})

const failing = chart.createStateConfig({
  on: {
    fails: [
      { guard: 'draining', target: 'none', actions: 'beGone' },
      { guard: 'isOfDisk', target: 'waiting', actions: 'fail' },
      { guard: 'givesUp', target: 'abandoning', actions: 'fail' },
      { target: 'waiting', actions: 'fail' },
    ],
  },
})

const session = chart.createStateConfig({
  initial: 'none',
  states: {
    none: {
      on: {
        message: [
          { guard: 'draining', actions: 'drop' },
          { target: 'working', actions: 'receive' },
        ],
      },
    },
    working: {
      on: {
        ...failing.on,
        message: [{ guard: 'draining', actions: 'drop' }, { actions: 'receive' }],
        failsOften: { actions: 'failOften' },
        rests: { target: 'resting', actions: 'rest' },
        drain: { guard: not('draining'), actions: 'end' },
        halt: { guard: 'draining', actions: 'end' },
      },
    },
    resting: {
      on: {
        ...failing.on,
        message: [
          { guard: 'draining', actions: 'drop' },
          { target: 'working', actions: 'receive' },
        ],
        sweep: [
          { guard: 'draining' },
          { guard: 'isSweptOut', target: 'none', actions: 'beGone' },
          { actions: 'sweep' },
        ],
        drain: { guard: not('draining'), actions: 'end' },
        halt: { guard: 'draining', actions: 'end' },
      },
    },
    waiting: {
      on: {
        message: [{ guard: 'draining', actions: 'drop' }, { actions: 'write' }],
        time: [{ guard: 'draining', target: 'leftOnDisk' }, { target: 'recovering' }],
      },
    },
    recovering: {
      on: {
        message: [{ guard: 'draining', actions: 'drop' }, { actions: 'write' }],
        disk: [
          { guard: 'draining', target: 'leftOnDisk' },
          { guard: 'isUnfinished', target: 'working', actions: 'resume' },
          { target: 'none', actions: 'beGone' },
        ],
        diskFails: [
          { guard: 'draining', target: 'none', actions: 'beGone' },
          { target: 'waiting', actions: 'fail' },
        ],
      },
    },
    abandoning: {
      initial: 'reading',
      on: {
        message: { actions: 'write' },
        diskFails: { target: '.waiting', actions: 'fail' },
      },
      states: {
        waiting: { on: { diskFails: {}, time: 'reading' } },
        reading: {
          on: {
            disk: [
              { guard: 'hasToBury', target: 'burying', actions: 'readToBury' },
              { guard: 'isUnfinished', target: '#partition.session.working', actions: 'beginAnew' },
              { target: '#partition.session.none', actions: 'beGone' },
            ],
          },
        },
        burying: {
          on: {
            disk: [
              { guard: not('isLastToBury'), actions: 'bury' },
              { guard: 'isUnfinishedButLast', target: '#partition.session.working', actions: ['bury', 'beginAnew'] },
              { target: '#partition.session.none', actions: ['bury', 'beGone'] },
            ],
          },
        },
      },
    },
    leftOnDisk: { on: { message: { actions: 'drop' } } },
  },
})

const delivery = chart.createStateConfig({
  initial: 'none',
  states: {
    none: { on: { outbox: { target: 'working', actions: 'placeDelivery' } } },
    working: {
      on: {
        deliveryRests: { target: 'none', actions: 'deliveryGone' },
        deliveryFails: [
          { guard: 'draining', target: 'none', actions: 'deliveryGone' },
          { guard: 'givesUpDelivery', target: 'none', actions: 'deliveryGone' },
          { target: 'waiting', actions: 'failDelivery' },
        ],
        deliveryFailsOften: { actions: 'failDeliveryOften' },
        drain: { guard: not('draining'), actions: 'endDelivery' },
        halt: { guard: 'draining', actions: 'endDelivery' },
      },
    },
    waiting: { on: { time: [{ guard: 'draining', target: 'leftOnDisk' }, { target: 'working' }] } },
    leftOnDisk: {},
  },
})

export const partitionModel = chart.createMachine({
  id: 'partition',
  type: 'parallel',
  context: {
    ...GONE,
    ...DELIVERY_GONE,
    placed: false,
    dropped: false,
    newer: false,
    written: 0,
    settled: 0,
    dead: 0,
    toBury: 0,
  },
  states: {
    phase: {
      initial: 'supervising',
      states: { supervising: { on: { drain: 'draining', redefined: { actions: 'redefine' } } }, draining: {} },
    },
    session,
    delivery,
    sibling: { initial: 'none', states: { none: { on: { sibling: 'working' } }, working: {} } },
  },
})

/** What would only be the same again does not happen. */
export function partitionCan({ value, context }: SnapshotFrom<typeof partitionModel>, event: PartitionEvent): boolean {
  const { phase, delivery, sibling } = value
  const session = typeof value.session === 'string' ? value.session : 'abandoning'
  const { written, dead, failures, deliveryFailures, newer } = context
  // The long way to giving up is walked alone, and what comes after it was seen before.
  const alone = failures > 1 || deliveryFailures > 1 || dead > 0
  const alike = !alone && !newer && sibling === 'none'
  const asksDisk = session === 'recovering' || session === 'abandoning'
  switch (event.type) {
    case 'message':
      return written < 2 && (session === 'abandoning' || (!alone && deliveryFailures === 0 && sibling === 'none'))
    case 'sibling':
      return (
        alike &&
        phase === 'supervising' &&
        written === 1 &&
        failures === 0 &&
        session === 'working' &&
        delivery === 'none'
      )
    case 'outbox':
      return alike && written < 2 && failures + deliveryFailures === 0 && session !== 'resting'
    case 'rests':
    case 'restsTooEarly':
      return session === 'working' && delivery === 'none'
    case 'fails':
      if (session !== 'working' && session !== 'resting') return false
      return (
        delivery === 'none' &&
        dead === 0 &&
        (event.of === 'defect' ? !newer || failures === 0 : [0, 10].includes(failures) && !newer)
      )
    case 'failsOften':
      return session === 'working' && phase === 'supervising' && failures === 1 && sibling === 'none' && !newer
    case 'deliveryRests':
    case 'deliveryRestsTooEarly':
      return delivery === 'working'
    case 'deliveryFails':
      return delivery === 'working' && failures === 0 && (written === 0 || deliveryFailures === 0)
    case 'deliveryFailsOften':
      return delivery === 'working' && phase === 'supervising' && deliveryFailures === 1 && written === 0
    case 'disk':
      return asksDisk
    case 'diskFails':
      return asksDisk && !newer && (session === 'abandoning' ? failures < 12 : failures < 2)
    case 'time':
      return !alone || session === 'waiting' || session === 'abandoning' || delivery === 'waiting'
    case 'sweep':
      return alike && written < 2
    case 'redefined':
      return alike && phase === 'supervising' && written === 1 && failures === 0 && delivery === 'none'
    case 'drain':
      return alike && context.sweeps === 0 && (failures === 0 || !['none', 'working', 'resting'].includes(session))
    case 'halt':
      return !alone && ![...context.endings, ...context.deliveryEndings].includes('halt')
  }
}

function numbers(after: number, upTo: number): number[] {
  return Array.from({ length: upTo - after }, (_, index) => after + 1 + index)
}
