// Operations: dead letters, pairings and the configuration, for `troupe deadletters`, `troupe pairing` and `troupe reload`.

import { json, Refusal } from './answers.ts'
import { type Call, rows } from './call.ts'

export async function listDeadLetters(call: Call): Promise<Response> {
  return json(200, { dead_letters: await call.gateway.deadLetters(rows(call)) })
}

export async function retryDeadLetter({ gateway, part }: Call): Promise<Response> {
  const id = Number(part('id'))
  const known = /^\d+$/.test(part('id')) && Number.isSafeInteger(id) && (await gateway.retryDeadLetter(id))
  if (!known)
    throw new Refusal(404, 'unknown_dead_letter', 'There is no such dead letter; GET /deadletters lists them.')
  return json(202, { accepted: true })
}

export async function listPairings({ gateway }: Call): Promise<Response> {
  return json(200, { pairings: await gateway.pairings() })
}

export async function approvePairing({ gateway, part }: Call): Promise<Response> {
  const pairing = await gateway.approvePairing(part('code'))
  if (pairing === null) throw new Refusal(404, 'unknown_pairing', 'There is no such code, or it has expired.')
  return json(200, { pairing })
}

export async function revokePairing({ gateway, part }: Call): Promise<Response> {
  const known = await gateway.revokePairing(part('channel'), part('user'))
  if (!known) throw new Refusal(404, 'unknown_pairing', 'This user is not paired with this channel.')
  return json(200, { revoked: true })
}

/** 422: the file as it is now cannot be taken; its problems are the message, a line each. */
export async function reload({ gateway }: Call): Promise<Response> {
  const reloaded = await gateway.reload()
  switch (reloaded.outcome) {
    case 'taken':
      return json(200, { changes: reloaded.changes, needs_restart: reloaded.needs_restart })
    case 'invalid':
      throw new Refusal(422, 'invalid_configuration', reloaded.problems.join('\n'))
    case 'draining':
      throw new Refusal(503, 'draining', 'The gateway is draining: what the file says now counts at the next start.')
  }
}
