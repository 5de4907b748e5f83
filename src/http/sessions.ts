// Sessions: the list, one session's transcript and record, what it used, and the operator's hand on its run.

import { json, Refusal } from './answers.ts'
import { type Call, offset, rows, searchText } from './call.ts'
import type { SessionView } from './port.ts'

const STATES: readonly SessionView['state'][] = ['idle', 'pending', 'running', 'passivated']

export async function listSessions(call: Call): Promise<Response> {
  const limit = rows(call)
  const state = stateOf(call)
  const filter = { search: searchText(call), offset: offset(call), ...(state === null ? {} : { state }) }
  // One more than was asked for says whether there are more.
  const found = await call.gateway.sessions(limit + 1, filter)
  return json(200, { sessions: found.slice(0, limit), more: found.length > limit })
}

export async function showSession({ gateway, part }: Call): Promise<Response> {
  const key = part('key')
  const entries = await gateway.transcript(key)
  if (entries === null) throw unknownSession()
  const transcript = entries.map(({ atMs, ...entry }) => ({ ...entry, at: new Date(atMs).toISOString() }))
  return json(200, { key, transcript, usage: await gateway.sessionUsage(key) })
}

export async function showRecord(call: Call): Promise<Response> {
  const key = call.part('key')
  const before = call.query('before')
  if (before !== null && !/^\d{1,16}(\.\d{1,16}){3}$/.test(before)) {
    throw new Refusal(400, 'bad_value', '"before" must be what an earlier page has under "older".')
  }
  const record = await call.gateway.record(key, before, rows(call))
  if (record === null) throw unknownSession()
  return json(200, { key, ...record })
}

export async function stopRun({ gateway, part }: Call): Promise<Response> {
  switch (await gateway.stop(part('key'))) {
    case 'unknown':
      throw unknownSession()
    case 'nothing to stop':
      throw new Refusal(409, 'not_at_work', 'This session has no run to stop.')
    case 'stopping':
      return json(202, { accepted: true })
  }
}

function stateOf({ query }: Call): SessionView['state'] | null {
  const given = query('state')
  if (given === null || given === '') return null
  const state = STATES.find((each) => each === given)
  if (state !== undefined) return state
  throw new Refusal(400, 'bad_value', `"state" must be one of ${STATES.join(', ')}.`)
}

function unknownSession(): Refusal {
  return new Refusal(404, 'unknown_session', 'There is no such session; GET /sessions lists them.')
}
