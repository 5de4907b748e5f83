// Delivery: what one conversation is owed, in order. The outbox itself belongs to the store; this actor holds one item.
//   D1. Deliveries of a conversation keep their order: the next item is looked up only after the one before it has a receipt or
//       is a dead letter.
//   D2. Nothing is sent twice unless its record says "uncertain": the attempt is on disk before the send, and a receipt or a
//       giving up that the disk did not take is written again, not sent again.
//   One conversation's wait holds up no other: each has its own delivery.

import { assign, fromPromise, sendParent, setup } from 'xstate'
import { deliveryAddress } from './addresses.ts'
import { type Failure, failureOf, unprovided } from './failure.ts'
import { SEND_MS_MAX, SEND_TRIES_MAX } from './limits.ts'
import type { OutboxItem, ToDelivery } from './messages.ts'
import { backoffMs } from './restart.ts'

export interface DeliveryInput {
  readonly channel: string
  readonly conversation: string
}

export interface DeliveryContext extends DeliveryInput {
  readonly item: OutboxItem | null
  readonly receipt: DeliveredPart | null
  readonly failure: Failure | null
  /** Sends of this item that failed in a row. */
  readonly failures: number
  /** Sends of this item whose end nobody knows; one may be repeated, a second is not (at most one duplicate). */
  readonly uncertainSends: number
  readonly diskFailures: number
  /** Something was committed since the last look. */
  readonly again: boolean
  readonly draining: boolean
  /** Number of the last message in this delivery's line: see placement.ts. */
  readonly routed: number
}

export interface DeliveredPart {
  readonly receipt: string
  readonly last: boolean
}

export const deliveryMachine = setup({
  types: {
    context: {} as DeliveryContext,
    events: {} as ToDelivery,
    input: {} as DeliveryInput,
  },
  actors: {
    look: fromPromise<OutboxItem | null, DeliveryInput>(() => unprovided('look')),
    /** Marks the attempt, then sends one part. Stopping it aborts the request. */
    send: fromPromise<DeliveredPart, OutboxItem>(() => unprovided('send')),
    writeReceipt: fromPromise<void, { item: OutboxItem; part: DeliveredPart }>(() => unprovided('writeReceipt')),
    bury: fromPromise<void, { item: OutboxItem; failure: Failure }>(() => unprovided('bury')),
  },
  actions: {
    noteRouted: assign({ routed: ({ event }) => (event.type === 'outbox.routed' ? event.routed : 0), again: true }),
    noteLook: assign({ again: false }),
    keepItem: assign(({ context }, params: { item: OutboxItem | null }) =>
      params.item?.id === context.item?.id
        ? { item: params.item, diskFailures: 0 }
        : { item: params.item, failures: 0, uncertainSends: 0, diskFailures: 0 },
    ),
    keepReceipt: assign((_, params: { receipt: DeliveredPart }) => ({ ...params, failures: 0, uncertainSends: 0 })),
    keepFailure: assign(({ context }, params: { failure: Failure }) => ({
      failure: params.failure,
      failures: context.failures + 1,
      uncertainSends: context.uncertainSends + (params.failure.uncertain === true ? 1 : 0),
    })),
    keepDeadline: assign(({ context }) => ({
      failure: DEADLINE,
      failures: context.failures + 1,
      uncertainSends: context.uncertainSends + 1,
    })),
    countDiskFailure: assign({ diskFailures: ({ context }) => context.diskFailures + 1 }),
    beginDrain: assign({ draining: true }),
    tellRested: sendParent(({ context }) => ({
      type: 'child.rested',
      child: deliveryAddress(context.conversation),
      routed: context.routed,
    })),
  },
  guards: {
    isOwed: (_, params: { item: OutboxItem | null }) => params.item !== null,
    lookAgain: ({ context }) => context.again && !context.draining,
    lacksCredential: ({ context }) => context.failure !== null && isCredential(context.failure),
    isDraining: ({ context }) => context.draining,
    isHopeless: ({ context }) =>
      (context.failure?.kind === 'permanent' && !isCredential(context.failure)) ||
      context.uncertainSends > 1 ||
      context.failures >= SEND_TRIES_MAX,
  },
  delays: {
    sendMsMax: SEND_MS_MAX,
    sendBackoff: ({ context }) => backoffMs(context.failures, context.failure?.retryAfterMs),
    diskBackoff: ({ context }) => backoffMs(context.diskFailures),
  },
}).createMachine({
  id: 'delivery',
  description: 'Sends what one conversation is owed, in order, until receipt or dead letter.',
  context: ({ input }) => ({
    ...input,
    item: null,
    receipt: null,
    failure: null,
    failures: 0,
    uncertainSends: 0,
    diskFailures: 0,
    again: false,
    draining: false,
    routed: 0,
  }),
  initial: 'looking',
  on: {
    'outbox.routed': {
      description: 'More was committed for this conversation: there is another look before it rests.',
      actions: 'noteRouted',
    },
    drain: { description: 'The send in progress is finished and no other begun.', actions: 'beginDrain' },
  },
  states: {
    looking: {
      description: 'Reads the oldest undelivered reply of the conversation.',
      entry: 'noteLook',
      invoke: {
        id: 'look',
        src: 'look',
        input: ({ context }) => ({ channel: context.channel, conversation: context.conversation }),
        onDone: [
          {
            guard: { type: 'isOwed', params: ({ event }) => ({ item: event.output }) },
            target: 'sending',
            actions: { type: 'keepItem', params: ({ event }) => ({ item: event.output }) },
          },
          {
            guard: 'lookAgain',
            target: 'looking',
            reenter: true,
            actions: { type: 'keepItem', params: { item: null } },
          },
          { target: 'empty', actions: { type: 'keepItem', params: { item: null } } },
        ],
        onError: { target: 'waitingForDisk', actions: 'countDiskFailure' },
      },
    },
    sending: {
      description: 'One part is on its way; its attempt is on disk.',
      invoke: {
        id: 'send',
        src: 'send',
        input: ({ context }) => itemOf(context),
        onDone: {
          target: 'recording',
          actions: { type: 'keepReceipt', params: ({ event }) => ({ receipt: event.output }) },
        },
        onError: {
          target: 'deciding',
          actions: { type: 'keepFailure', params: ({ event }) => ({ failure: failureOf(event.error) }) },
        },
      },
      after: {
        sendMsMax: {
          description: 'Whether it arrived nobody knows: its record says uncertain.',
          target: 'deciding',
          actions: 'keepDeadline',
        },
      },
    },
    deciding: {
      description: 'Again, or never again.',
      always: [
        { description: 'Trying again cannot help, or could double it.', guard: 'isHopeless', target: 'burying' },
        { guard: 'isDraining', target: 'empty' },
        { target: 'waiting' },
      ],
    },
    waiting: {
      description: 'For as long as the platform asked, or the backoff says.',
      after: { sendBackoff: 'looking' },
      on: {
        drain: { target: 'empty', actions: 'beginDrain' },
        'outbox.routed': [
          {
            description: 'The channel is live again, perhaps with another credential: no reason to wait on.',
            guard: 'lacksCredential',
            target: 'looking',
            actions: 'noteRouted',
          },
          { actions: 'noteRouted' },
        ],
      },
    },
    recording: {
      description: 'The platform took the part: its receipt is written, and never the part sent again.',
      initial: 'writing',
      states: {
        writing: {
          description: 'The receipt is on its way to the disk.',
          invoke: {
            id: 'writeReceipt',
            src: 'writeReceipt',
            input: ({ context }) => ({ item: itemOf(context), part: context.receipt ?? { receipt: '', last: true } }),
            onDone: '#delivery.looking',
            onError: { target: 'writingAgain', actions: 'countDiskFailure' },
          },
        },
        writingAgain: {
          description: 'The disk did not take the receipt: it is kept and written again later.',
          after: { diskBackoff: 'writing' },
        },
      },
    },
    burying: {
      description: 'The reply becomes a dead letter, listed and retryable, and is never sent again by itself.',
      initial: 'writing',
      states: {
        writing: {
          description: 'The dead letter is on its way to the disk.',
          invoke: {
            id: 'bury',
            src: 'bury',
            input: ({ context }) => ({ item: itemOf(context), failure: context.failure ?? DEADLINE }),
            onDone: '#delivery.looking',
            onError: { target: 'writingAgain', actions: 'countDiskFailure' },
          },
        },
        writingAgain: {
          description: 'The disk did not take it: it is written again later, and the reply not sent.',
          after: { diskBackoff: 'writing' },
        },
      },
    },
    waitingForDisk: {
      description: 'The disk did not answer; what is owed is safe there.',
      after: { diskBackoff: 'looking' },
    },
    empty: {
      description: 'Nothing is owed; the partition stops this actor unless more was committed meanwhile.',
      entry: 'tellRested',
      on: { 'outbox.routed': { target: 'looking', actions: 'noteRouted' } },
    },
  },
})

const DEADLINE: Failure = {
  kind: 'retryable',
  reason: 'timeout',
  message: `the platform did not answer within ${SEND_MS_MAX / 1_000} seconds`,
  uncertain: true,
}

/** The channel's credential failed, not this reply: it waits until the channel is live again. */
function isCredential(failure: Failure): boolean {
  return failure.reason === 'unauthorized' || failure.reason === 'missing'
}

function itemOf(context: DeliveryContext): OutboxItem {
  if (context.item === null) throw new Error('D1: a delivery sends only an item that it looked up')
  return context.item
}
