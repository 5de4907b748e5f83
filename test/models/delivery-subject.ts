// The real delivery actor on the real store, with the disk's line, the platform and the clock in the test's hand. What stands
// above it is the test: it counts what it routes and hears what the delivery says of its rest.

import { expect } from 'vitest'
import { createActor, type SnapshotFrom, setup } from 'xstate'
import type { DeliveredPart } from '../../machines/delivery.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { deliveryActor } from '../../src/actors/delivery.ts'
import type { Adapter, Outgoing } from '../../src/channels/adapter.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { Disk } from '../sim/disk.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'
import type { DeliveryEvent, deliveryModel } from './delivery-model.ts'

type DeliveryLogic = ReturnType<typeof deliveryActor>

interface Call {
  readonly outgoing: Outgoing
  readonly part: number
  readonly signal: AbortSignal
  readonly end: Held<DeliveredPart>
}

export interface DeliveryOptions {
  readonly taken?: Taken
  readonly broken?: (real: DeliveryLogic) => DeliveryLogic
}

/** Each subject is a conversation of its own in one store: to open a store costs as much as to play a path. */
const store = openMemoryStore({ world: testWorld() })
let conversations = 0

export async function deliverySubject(options: DeliveryOptions): Promise<Subject<typeof deliveryModel>> {
  const { taken, broken = (real) => real } = options
  const world = testWorld()
  conversations += 1
  const conversation = `c${conversations}`
  const before = await store.counts()
  const disk = new Disk(store, world.nowMs, () => {})
  disk.turn('slow')
  const calls: Call[] = []
  const arrived: string[] = []
  const told: number[] = []
  const adapters = new Map([['a', platform(calls)]])
  const parts = testParts({ world, store: disk.handleOf({ alive: true }), adapters })
  const above = setup({ actors: { delivery: broken(deliveryActor(parts)) } }).createMachine({
    invoke: { id: 'delivery', src: 'delivery', input: { channel: 'a', conversation } },
    on: { 'child.rested': { actions: ({ event }) => told.push(event['routed'] as number) } }, // See messages.ts.
  })
  const root = createActor(above, { clock: world.clock })
  taken?.watch(root)
  root.start()
  const delivery = root.getSnapshot().children['delivery']
  let routed = 0
  let written = 0

  const current = () => calls.find(({ signal }) => !signal.aborted)
  /** Ends the call; one that was given up ends late, and that changes nothing. */
  function ends(how: (end: Held<DeliveredPart>) => void): void {
    const call = current() ?? calls[0]
    if (call === undefined) return
    calls.splice(calls.indexOf(call), 1)
    how(call.end)
  }
  function wake(): void {
    routed += 1
    delivery?.send({ type: 'outbox.routed', routed })
  }
  function took(last: boolean): void {
    const call = current()
    if (call !== undefined) arrived.push(`${call.outgoing.text}.${call.part}`)
    ends((end) => end.resolve({ receipt: 'r', last }))
  }
  async function lets(fails: boolean): Promise<void> {
    if (fails) disk.turn('failAll')
    await disk.flush(1)
    disk.heal()
  }
  async function owe(): Promise<void> {
    written += 1
    const reply = { conversation, text: `${written}`, replyTo: null }
    await store.commit({ channel: 'a', sessionKey: null, settled: [], entries: [], replies: [reply] })
    wake()
  }
  const play: { [T in DeliveryEvent['type']]: (event: Extract<DeliveryEvent, { type: T }>) => void | Promise<void> } = {
    owe,
    wake,
    disk: () => lets(false),
    diskFails: () => lets(true),
    took: () => took(true),
    tookPart: () => took(false),
    refused: ({ why }) => ends((end) => end.reject(new FailureError(FAILURES[why]))),
    cut: () => ends((end) => end.reject(new FailureError(FAILURES.cut))),
    time: () => world.advance(world.pending()[0] ?? HOUR_MS),
    drain: () => delivery?.send({ type: 'drain' }),
  }

  return {
    async play(event) {
      await play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    async compare(state) {
      const call = current()
      const { outbox, deadLetters } = await store.counts()
      const head = await store.nextOwed('a', conversation)
      expect({
        status: delivery?.getSnapshot().status,
        disk: disk.names,
        call: call === undefined ? null : { text: call.outgoing.text, part: call.part, doubt: call.outgoing.uncertain },
        arrived,
        record: {
          outbox: outbox - before.outbox,
          deadLetters: deadLetters - before.deadLetters,
          parts: head?.partsSent ?? 0,
          uncertain: head?.uncertain ?? false,
        },
        pending: world.pending(),
        rested: told.at(-1) === routed,
      }).toEqual(expected(state))
    },
    async close() {
      root.stop()
    },
  }
}

function platform(calls: Call[]): Adapter {
  return {
    run: () => new Promise(() => {}),
    send(outgoing, part, signal) {
      const end = held<DeliveredPart>()
      calls.push({ outgoing, part, signal, end })
      return end.promise
    },
    show: () => {},
    fetch: () => Promise.reject(new Error('nobody sends files here')),
    probe: async () => ({ id: '99', name: '@bot' }),
  }
}

function expected({ value, context }: SnapshotFrom<typeof deliveryModel>) {
  const { written, over, dead, parts, attempting, inDoubt, doubt, arrived, late } = context
  const owed = written - over
  const waits = OPERATIONS[value]
  return {
    status: 'active',
    disk: [late, waits].filter((operation) => operation !== null && operation !== undefined),
    call: value === 'sending' ? { text: `${over + 1}`, part: parts, doubt } : null,
    arrived,
    record: {
      outbox: owed,
      deadLetters: dead,
      parts: owed === 0 ? 0 : parts,
      uncertain: owed > 0 && (attempting || inDoubt),
    },
    pending: pendingIn(value, context),
    rested: value === 'empty',
  }
}

const OPERATIONS: Readonly<Record<string, string>> = {
  looking: 'nextOwed',
  marking: 'attempt',
  unmarking: 'unattempt',
  recording: 'receipt',
  burying: 'undeliverable',
}

/** What the promises say of waits: a send ends within a minute, a wait doubles from a second, a hint is obeyed. */
function pendingIn(value: string, context: SnapshotFrom<typeof deliveryModel>['context']): number[] {
  const doubling = (failures: number) => 1_000 * 2 ** (failures - 1)
  switch (value) {
    case 'marking':
    case 'sending':
    case 'unmarking':
      return [60_000]
    case 'waiting':
      return [context.why === 'limited' ? 7_000 : doubling(context.failures)]
    case 'waitingForDisk':
    case 'recordingAgain':
    case 'buryingAgain':
      return [doubling(context.diskFailures)]
    default:
      return []
  }
}

const FAILURES = {
  away: { kind: 'retryable', reason: 'unavailable', message: 'away' },
  limited: { kind: 'retryable', reason: 'rateLimited', message: 'too fast', retryAfterMs: 7_000 },
  blocked: { kind: 'permanent', reason: 'forbidden', message: 'blocked' },
  revoked: { kind: 'permanent', reason: 'unauthorized', message: 'revoked' },
  cut: { kind: 'retryable', reason: 'unavailable', message: 'cut', uncertain: true },
} as const satisfies Record<string, Failure>

const HOUR_MS = 3_600_000
