// Schedule actor: the schedule's machine with its effects: the clock, the pattern's times, and a durable accept like any door's.
//   M5. A message and its time are one write: a crash before it says nothing, a crash behind it says nothing twice.

import { fromPromise } from 'xstate'
import { dueMessage, type Plan, planOf, timesOf } from '../../machines/due.ts'
import { FailureError } from '../../machines/failure.ts'
import { type Accepting, type Looking, scheduleMachine } from '../../machines/schedule.ts'
import { endingItsChildren } from './ending.ts'
import { type Parts, tellGateway } from './parts.ts'

export function scheduleActor(parts: Parts) {
  const { store, world, log } = parts
  const machine = scheduleMachine.provide({
    actors: {
      recall: fromPromise(({ input: { definition } }) =>
        store.recallSchedule(definition.name, timesOf(definition), world.nowMs()),
      ),
      plan: fromPromise(async ({ input }) => plan(parts, input)),
      accept: fromPromise(({ input, system }) => accept(parts, input, system)),
    },
    actions: {
      noteFailure: ({ context }, { error }) => {
        log.warn({ schedule: context.definition.name, err: error }, 'a schedule could not go on, and tries again')
      },
      notePassed: ({ context }, { passedAtMs }) => {
        const { name } = context.definition
        log.warn(
          { schedule: name, due: isoOf(passedAtMs ?? 0) },
          'a schedule was missed too long ago to be made up for',
        )
      },
    },
  })
  return endingItsChildren(machine)
}

function plan({ cronTimes, world }: Parts, { definition, afterMs }: Looking): Plan {
  const times = cronTimes(definition)
  const nowMs = world.nowMs()
  return planOf({ nowMs, afterMs, newestMs: times.newestUntil(nowMs), nextMs: times.nextAfter(nowMs) })
}

/** The write is asked for before anything is waited for: one that was asked for is not taken back by a newer file. */
async function accept(parts: Parts, { definition, dueAtMs }: Accepting, system: unknown): Promise<void> {
  const { store, world, observe } = parts
  const channel = parts.definition.channels[definition.channel]
  if (channel === undefined) throw new FailureError(goneChannel(definition.channel))
  const message = { ...dueMessage(definition, channel, dueAtMs), acceptedAtMs: world.nowMs() }
  const end = observe.begin({ kind: 'accept', channel: channel.id, session: message.sessionKey })
  const time = { name: definition.name, times: timesOf(definition), dueAtMs }
  const accepted = await store.acceptDue(time, { ...message, journaled: false }).catch((error: unknown) => {
    end('failed')
    throw error
  })
  end(accepted.duplicate ? 'duplicate' : 'done')
  if (accepted.duplicate) return
  const lateMs = world.nowMs() - dueAtMs
  const fields = { schedule: definition.name, session: message.sessionKey, due: isoOf(dueAtMs) }
  if (lateMs > LATE_MS) parts.log.info({ ...fields, late_ms: lateMs }, 'a schedule that was missed is made up for')
  else parts.log.debug(fields, 'a schedule is due')
  tellGateway(system, { type: 'message.accepted', message: { ...message, seq: accepted.seq } })
}

/** Later than a busy machine and a disk in trouble make it. */
const LATE_MS = 60_000

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

function goneChannel(channel: string) {
  return { kind: 'retryable', reason: 'missing', message: `there is no channel ${channel} now` } as const
}
