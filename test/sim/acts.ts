// Acts: how each step is done to a world. A step that finds nothing to do does nothing.

import { FailureError } from '../../machines/failure.ts'
import type { AcceptedMessage, Inbound } from '../../machines/messages.ts'
import { sessionKey } from '../../machines/session-key.ts'
import { calm } from './calm.ts'
import { idOf } from './file.ts'
import { inboundOf } from './people.ts'
import type { Thinking } from './model.ts'
import { AWAY, type Platform, UNAUTHORIZED } from './platform.ts'
import type { Simulation } from './simulation.ts'
import type { Place, Step } from './steps.ts'
import type { Working } from './tools.ts'

export async function act(simulation: Simulation, step: Step): Promise<void> {
  switch (step.do) {
    case 'say':
      return say(simulation, step)
    case 'crowd':
      return crowd(simulation, step)
    case 'again': {
      const message = simulation.said.get(step.of)
      if (message !== undefined) simulation.platforms.get(message.channel)?.again(message)
      if (message !== undefined) simulation.hit('say again')
      return
    }
    case 'model':
      return thoughtAt(simulation, step)?.act(step.how)
    case 'tool':
      return callAt(simulation, step)?.act(step.how)
    case 'time':
      if (step.ms in JUMPS) simulation.hit(`a jump ${JUMPS[step.ms as keyof typeof JUMPS]}`)
      return simulation.advance(step.ms)
    case 'release':
      return platformAt(simulation, step.ch).release(placeAt(simulation, step).conversation)
    case 'sends': {
      const { conversation } = placeAt(simulation, step)
      const behaviours = platformAt(simulation, step.ch).behaviours
      behaviours.set(conversation, [...(behaviours.get(conversation) ?? []), ...step.how])
      return
    }
    case 'disk':
      simulation.hit(`disk ${step.how}`)
      return simulation.disk.turn(step.how)
    case 'flush':
      return simulation.disk.flush(step.count)
    default:
      return actRarely(simulation, step)
  }
}

async function actRarely(simulation: Simulation, step: Step): Promise<void> {
  switch (step.do) {
    case 'break':
      simulation.hit(`break ${step.how}`)
      return platformAt(simulation, step.ch).breaks(BREAKS[step.how])
    case 'throw': {
      const { channel, conversation } = placeAt(simulation, step)
      if (step.spared === true) return
      return simulation.throws.arm(step.at, channel, conversation)
    }
    case 'connect':
      return void platformAt(simulation, step.ch).connects.push(step.how)
    case 'control':
      simulation.hit(`control ${step.control}`)
      return simulation.control(channelAt(simulation, step.ch), step.control)
    case 'reload':
      simulation.hit(`reload ${step.change.of}`)
      return simulation.reload(step.change)
    case 'crash':
      return simulation.crash(step)
    case 'fuse':
      simulation.fuse = { left: step.effects, ...step }
      return
    case 'drain':
      return simulation.drain()
    case 'start':
      return simulation.start()
    case 'letter':
      return retryLetter(simulation, step.nth)
    case 'calm':
      return calm(simulation)
    default:
      throw new Error(`no such step: ${step.do}`)
  }
}

function say(simulation: Simulation, dealt: Say): void {
  const { plan } = simulation.schedule
  const step = { ...dealt, ...askedIn(simulation, dealt) }
  const { channel, conversation } = placeAt(simulation, step)
  const { group } = plan.channels[step.ch % plan.channels.length]!
  const room = { channel, conversation, group }
  const approval = approvalFor(simulation, step, inboundOf(step, { ...room, approval: '' }))
  const message = inboundOf(step, { ...room, approval })
  simulation.said.set(step.id, message)
  simulation.hit(`say ${step.what}`)
  platformAt(simulation, step.ch).say(message)
}

type Say = Extract<Step, { do: 'say' }>

/**
 * Where a word about an approval goes: people answer where they were asked. Not where conversations must not feel each other, and
 * one in four goes astray.
 */
function askedIn({ schedule, ledger }: Simulation, { id, ch, what }: Say): Partial<Place & { from: number }> {
  if (!what.startsWith('approve') && !what.startsWith('deny')) return {}
  if (schedule.victim !== undefined || id % 4 === 0) return {}
  const asked = ledger.turns.askingIn(idOf(ch % schedule.plan.channels.length))
  const session = asked[id % asked.length]
  if (session === undefined) return {}
  const [, conversation = '', person] = session.split('/')
  return { conv: Number(conversation.slice(1)), ...(person === undefined ? {} : { from: Number(person) - 1 }) }
}

function crowd(simulation: Simulation, { id, ch, count }: Extract<Step, { do: 'crowd' }>): void {
  simulation.hit('a crowd')
  for (let conv = 0; conv < count; conv += 1) {
    const mark = CROWD_MARKS + id * 10_000 + conv
    say(simulation, { do: 'say', id: mark, ch, conv, from: conv % 3, what: 'plain' })
  }
}

/** Far from the marks of single steps. */
const CROWD_MARKS = 1_000_000

/** What somebody calls an approval: the last one that waits, one of long ago, or none that ever was. */
function approvalFor({ file, ledger }: Simulation, { what }: Say, by: Inbound): string {
  if (what === 'approveWrong') return '0-0'
  const channel = file.definition.channels[by.channel]
  const session = channel === undefined ? '' : sessionKey(channel, by)
  if (what === 'approveStale') return ledger.turns.lastNameOf(session) ?? '0-1'
  return ledger.turns.namesOf(session).at(-1) ?? '0-2'
}

async function retryLetter(simulation: Simulation, nth: number): Promise<void> {
  const process = simulation.process
  const id = [...simulation.ledger.letters.keys()].at(-1 - nth)
  if (process === null || id === undefined) return
  simulation.hit('a dead letter was tried again')
  void process.store.retryDeadLetter(id).then(
    (retried) => {
      if (retried?.kind === 'message')
        process.gateway.send({ type: 'message.accepted', message: retriedOf(retried.message) })
      else if (retried !== null) process.gateway.send({ ...retried, type: 'outbox.owed' })
    },
    () => {},
  )
}

function thoughtAt(simulation: Simulation, step: Extract<Step, { do: 'model' }>): Thinking | undefined {
  const open = simulation.model.thinking.filter(
    ({ settled, caller, request }) => !settled && caller.alive && request.signal.aborted === (step.how === 'late'),
  )
  return nearest(simulation, step, open)
}

function callAt(simulation: Simulation, step: Extract<Step, { do: 'tool' }>): Working | undefined {
  const open = simulation.toolshed.working.filter(
    ({ caller, signal }) => caller.alive && signal.aborted === (step.how === 'late'),
  )
  return nearest(simulation, step, open)
}

/** The one in its place; else, where conversations may feel each other, another one of its channel. */
function nearest<T extends { readonly session: string }>(simulation: Simulation, place: Place, open: readonly T[]) {
  const { channel, conversation } = placeAt(simulation, place)
  const within = (start: string): T | undefined => open.find(({ session }) => `${session}/`.startsWith(start))
  const here = within(`${channel}/${conversation}/`)
  return here ?? (simulation.schedule.victim === undefined ? within(`${channel}/`) : undefined)
}

function channelAt(simulation: Simulation, ch: number): string {
  return idOf(ch % simulation.platforms.size)
}

function platformAt(simulation: Simulation, ch: number): Platform {
  return simulation.platforms.get(channelAt(simulation, ch))!
}

function placeAt(
  simulation: Simulation,
  { ch, conv }: { ch: number; conv: number },
): { channel: string; conversation: string } {
  return { channel: channelAt(simulation, ch), conversation: `c${conv % simulation.schedule.plan.conversations}` }
}

const JUMPS = { 15_000: 'of 15 seconds', 61_000: 'of a minute', 700_000: 'beyond every deadline' }

const BREAKS = {
  away: new FailureError(AWAY),
  ended: null,
  unauthorized: new FailureError(UNAUTHORIZED),
  defect: new TypeError('a defect in the adapter'),
}

/** As the composition root sends it. */
function retriedOf(message: AcceptedMessage): AcceptedMessage {
  return Object.assign({ ...message }, { again: 'retry' as const })
}
