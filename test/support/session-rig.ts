// Session rig: the session's statechart alone. Its effects are recorded, its promises are held by the test, its clock is
// simulated; the rig stands where the partition and the gateway stand.

import { createActor, fromPromise, SimulatedClock, setup } from 'xstate'
import type { RunOutcome } from '../../machines/commits.ts'
import type { BusyMode } from '../../machines/definitions.ts'
import type { Commit, ToSession } from '../../machines/messages.ts'
import { sessionMachine } from '../../machines/session.ts'
import type { Prepared } from '../../machines/session-context.ts'
import { type Held, held, settled } from './world.ts'

export interface SessionRig {
  readonly records: Commit[]
  readonly told: { type: string }[]
  readonly steps: { prepare: Held<Prepared>[]; run: Held<RunOutcome>[]; commit: Held<void>[] }
  readonly runsAlive: () => number
  readonly clock: SimulatedClock
  send(event: ToSession): Promise<void>
  state(): unknown
  waiting(): number
  failed(): boolean
}

/** Stands where the partition stands, and where the gateway stands. */
export function sessionRig(busyMode: BusyMode = 'queue', machine = sessionMachine): SessionRig {
  const records: Commit[] = []
  const told: { type: string }[] = []
  const steps: SessionRig['steps'] = { prepare: [], run: [], commit: [] }
  let alive = 0
  const runs = fromPromise<RunOutcome>(({ signal }) => {
    const step = held<RunOutcome>()
    alive += 1
    signal.addEventListener('abort', () => (alive -= 1))
    steps.run.push(step)
    return step.promise.finally(() => (alive -= signal.aborted ? 0 : 1))
  })
  const session = machine.provide({
    actors: {
      prepare: fromPromise(() => keep(steps.prepare)),
      run: runs as never, // The run's own chart is tested in run.test.ts; here only its outcome matters.
      commit: fromPromise(() => keep(steps.commit)),
    },
    actions: {
      record: (_, commit) => void records.push(commit),
      undo: () => {},
      releaseTries: () => {},
      show: () => {},
    },
  })
  const clock = new SimulatedClock()
  const above = setup({ actors: { session } }).createMachine({
    invoke: { id: 'session', src: 'session', systemId: 'session', input: input(busyMode) },
    on: {
      'xstate.error.actor.session': { actions: () => told.push({ type: 'failed' }) },
      'child.rested': { actions: ({ event }) => told.push(event) },
      'slot.requested': { actions: ({ event }) => told.push(event) },
      'slot.released': { actions: ({ event }) => told.push(event) },
    },
  })
  const root = createActor(above, { systemId: 'gateway', clock })
  root.subscribe({ error: () => {} })
  root.start()
  const actor = root.getSnapshot().children.session
  return {
    records,
    told,
    steps,
    clock,
    runsAlive: () => alive,
    async send(event) {
      actor?.send(event)
      await settled()
    },
    state: () => actor?.getSnapshot().value,
    waiting: () => actor?.getSnapshot().context.waiting.length ?? 0,
    failed: () => told.some((message) => message.type === 'failed'),
  }
}

function keep<T>(steps: Held<T>[]): Promise<T> {
  const step = held<T>()
  steps.push(step)
  return step.promise
}

function input(busyMode: BusyMode) {
  return {
    key: 'a/c1',
    channel: 'a',
    conversation: 'c1',
    agent: 'cfo',
    model: 'echo',
    busyMode,
    queueLimit: 2,
    keepsPartial: true,
  }
}
