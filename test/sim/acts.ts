// Acts: how each step is done to a world. A step that finds nothing to do does nothing.

import { FailureError } from '../../machines/failure.ts'
import type { AcceptedMessage, Inbound } from '../../machines/messages.ts'
import { sessionKey } from '../../machines/session-key.ts'
import { calm } from './calm.ts'
import { idOf } from './file.ts'
import { inboundOf } from './people.ts'
import { AWAY, type Platform, UNAUTHORIZED } from './platform.ts'
import type { Simulation } from './simulation.ts'
import type { Step } from './steps.ts'

export async function act(simulation: Simulation, step: Step): Promise<void> {
  switch (step.do) {
    case 'say':
      return say(simulation, step)
    case 'again': {
      const message = simulation.said.get(step.of)
      if (message !== undefined) simulation.platforms.get(message.channel)?.again(message)
      if (message !== undefined) simulation.hit('say again')
      return
    }
    case 'model': {
      const place = placeAt(simulation, step)
      thoughtIn(simulation, place, step.how)?.act(step.how)
      return
    }
    case 'tool': {
      const { channel, conversation } = placeAt(simulation, step)
      const inPlace = (session: string): boolean => `${session}/`.startsWith(`${channel}/${conversation}/`)
      const found = simulation.toolshed.working.find(
        (each) => inPlace(each.session) && each.caller.alive && each.signal.aborted === (step.how === 'late'),
      )
      return found?.act(step.how)
    }
    case 'time':
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

function say(simulation: Simulation, step: Extract<Step, { do: 'say' }>): void {
  const { plan } = simulation.schedule
  const { channel, conversation } = placeAt(simulation, step)
  const { group } = plan.channels[step.ch % plan.channels.length]!
  const room = { channel, conversation, group }
  const approval = approvalFor(simulation, step, inboundOf(step, { ...room, approval: '' }))
  const message = inboundOf(step, { ...room, approval })
  simulation.said.set(step.id, message)
  simulation.hit(`say ${step.what}`)
  platformAt(simulation, step.ch).say(message)
}

/** What somebody calls an approval: the last one that waits, one of long ago, or none that ever was. */
function approvalFor({ file, ledger }: Simulation, { what }: Extract<Step, { do: 'say' }>, by: Inbound): string {
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

function thoughtIn(
  simulation: Simulation,
  { channel, conversation }: { channel: string; conversation: string },
  how: string,
) {
  const inPlace = (session: string): boolean => `${session}/`.startsWith(`${channel}/${conversation}/`)
  return simulation.model.thinking.find(
    (each) =>
      !each.settled && each.caller.alive && inPlace(each.session) && each.request.signal.aborted === (how === 'late'),
  )
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
