// Web channel: people's own way in. A message is answered 202 only when it is on disk.

import { json, Refusal, retryAfter } from './answers.ts'
import { identifier, personName, readFields, spokenText } from './body.ts'
import type { Call } from './call.ts'
import { unknownChannel } from './channel.ts'
import type { ServerEvent } from './events.ts'
import type { GatewayPort, WebEvent, WebPort, WebReception } from './port.ts'

export async function postMessage({ request, gateway, part }: Call): Promise<Response> {
  const channel = part('channel')
  // Before the body: what is wrong with the address is said first, and nothing is read for a channel that is not there.
  const web = webChannel(gateway, channel)
  const fields = await readFields(request, ['conversation', 'user', 'text', 'message_id'])
  const reception = await web.post({
    conversation: identifier(fields, 'conversation'),
    user: personName(fields, 'user'),
    text: spokenText(fields, 'text'),
    messageId: 'message_id' in fields ? identifier(fields, 'message_id') : null,
  })
  if (!reception.accepted) throw turnedAway(channel, reception)
  return json(202, { accepted: true, duplicate: reception.duplicate })
}

export function conversationEvents({ request, gateway, part, query, streams, cut }: Call): Response {
  const conversation = identifier({ conversation: part('conversation') }, 'conversation')
  const afterId = lastEventId(request.headers.get('last-event-id') ?? query('last_event_id'))
  const web = webChannel(gateway, part('channel'))
  // Nobody reads the body of a HEAD: no stream is opened that nobody would close.
  if (request.method === 'HEAD')
    return new Response(null, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })
  return streams.open({
    cut,
    follow: (emit, signal) => web.subscribe({ conversation, afterId }, (event) => emit(serverEvent(event)), signal),
  })
}

function serverEvent(event: WebEvent): ServerEvent {
  switch (event.kind) {
    case 'message': {
      const id = String(event.id)
      return { name: 'message', id, data: JSON.stringify({ id, role: event.role, text: event.text }) }
    }
    case 'delta':
      return { name: 'delta', id: null, data: JSON.stringify({ turn: event.turn, text: event.text }) }
    case 'state':
      return { name: 'state', id: null, data: JSON.stringify({ session: event.session, state: event.state }) }
  }
}

function webChannel(gateway: GatewayPort, id: string): WebPort {
  const web = gateway.web(id)
  switch (web) {
    case 'unknown':
      throw unknownChannel(id)
    case 'notWeb':
      throw new Refusal(404, 'not_web', `Channel "${id}" is not a web channel: its people write on its own platform.`)
    case 'notLive':
      throw notLive(id)
    default:
      return web
  }
}

function turnedAway(channel: string, { reason }: Extract<WebReception, { accepted: false }>): Refusal {
  switch (reason) {
    case 'stranger':
      return new Refusal(403, 'not_allowed', `This user may not talk to channel "${channel}".`)
    case 'notAddressed':
      return new Refusal(403, 'not_addressed', `The message is not addressed to channel "${channel}".`)
    case 'tooLong':
      return new Refusal(413, 'too_long', 'The text is longer than this gateway takes.')
    case 'taken':
      return new Refusal(409, 'taken', 'Somebody else in this conversation has this message_id: choose another one.')
    case 'paused':
      return notLive(channel)
    case 'draining':
      return new Refusal(503, 'draining', 'This gateway is stopping; the message was not kept.').with(retryAfter(5_000))
  }
}

function notLive(channel: string): Refusal {
  return new Refusal(409, 'not_live', `Channel "${channel}" is not live; GET /status says why.`)
}

/** 0: from the beginning. */
function lastEventId(given: string | null): number {
  if (given === null || given === '') return 0
  const id = Number(given)
  if (/^\d+$/.test(given) && Number.isSafeInteger(id)) return id
  throw new Refusal(400, 'bad_value', 'Last-Event-ID must be the id of a message event.')
}
