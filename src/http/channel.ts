// Channel: what an operator may do with one channel of any platform.

import type { ChannelControl } from '../../machines/messages.ts'
import { json, Refusal } from './answers.ts'
import { identifier, readFields, spokenText } from './body.ts'
import type { Call } from './call.ts'

/** 202: written down for delivery, which may still fail and then leaves a dead letter. */
export async function sendOutside({ request, gateway, part }: Call): Promise<Response> {
  const channel = part('channel')
  const fields = await readFields(request, ['conversation', 'text'])
  const known = await gateway.send(channel, identifier(fields, 'conversation'), spokenText(fields, 'text'))
  if (!known) throw unknownChannel(channel)
  return json(202, { accepted: true })
}

export function controlChannel(control: ChannelControl): (call: Call) => Response {
  return ({ gateway, part }) => {
    if (!gateway.control(part('channel'), control)) throw unknownChannel(part('channel'))
    return json(202, { accepted: true })
  }
}

export function unknownChannel(id: string): Refusal {
  const shown = JSON.stringify(id.slice(0, 64))
  return new Refusal(404, 'unknown_channel', `There is no channel ${shown}; GET /status lists them.`)
}
