// Sessions: the list, and one session's transcript with what it used.

import { json, Refusal } from './answers.ts'
import { type Call, rows } from './call.ts'

export async function listSessions(call: Call): Promise<Response> {
  return json(200, { sessions: await call.gateway.sessions(rows(call)) })
}

export async function showSession({ gateway, part }: Call): Promise<Response> {
  const key = part('key')
  const entries = await gateway.transcript(key)
  if (entries === null) throw new Refusal(404, 'unknown_session', 'There is no such session; GET /sessions lists them.')
  const transcript = entries.map(({ atMs, ...entry }) => ({ ...entry, at: new Date(atMs).toISOString() }))
  return json(200, { key, transcript, usage: await gateway.sessionUsage(key) })
}
