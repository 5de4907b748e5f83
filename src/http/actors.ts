// Actors: the statecharts, the supervision tree a page at a time, and what one actor does as it does it.

import { json, Refusal } from './answers.ts'
import { type Call, offset, rows, searchText } from './call.ts'
import { PLACE_UNITS_MAX } from './limits.ts'

export function listMachines({ gateway }: Call): Response {
  return json(200, { machines: gateway.machines() })
}

export function showMachine({ gateway, part }: Call): Response {
  const machine = gateway.machine(part('name'))
  if (machine === null) throw new Refusal(404, 'unknown_machine', 'There is no such machine; GET /machines lists them.')
  return json(200, machine)
}

export function listActors(call: Call): Response {
  const under = checked(call.query('under') ?? 'gateway')
  const page = call.gateway.actors({ under, search: searchText(call), offset: offset(call), limit: rows(call) })
  if (page === null)
    throw new Refusal(404, 'unknown_actor', 'Nobody stands at this place; GET /actors begins at the top.')
  return json(200, page)
}

/** Also of an actor that is not there: it may come, and whoever watches its place sees it come. */
export function actorEvents({ request, gateway, part, streams, cut }: Call): Response {
  const place = checked(part('place'))
  // Nobody reads the body of a HEAD: no stream is opened that nobody would close.
  if (request.method === 'HEAD')
    return new Response(null, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })
  return streams.open({
    cut,
    follow: (emit, signal) => gateway.followActor(place, (event) => emit({ ...event, id: null }), signal),
  })
}

function checked(place: string): string {
  if (place !== '' && place.length <= PLACE_UNITS_MAX) return place
  throw new Refusal(400, 'bad_value', `A place has 1 to ${PLACE_UNITS_MAX} characters.`)
}
