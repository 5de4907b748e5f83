// Reports: what the gateway says of itself, to probes and to people.

import { json } from './answers.ts'
import { type Call, rows } from './call.ts'

export function health(): Response {
  return json(200, { ok: true })
}

/** Also 503 while draining: who balances load must stop sending before the port closes. */
export async function readiness({ gateway }: Call): Promise<Response> {
  const { state, channels } = await gateway.status()
  const ready = state !== 'draining' && channels.every((channel) => channel.state === 'live')
  return json(ready ? 200 : 503, {
    ready,
    channels: channels.map((channel) => ({ id: channel.id, state: channel.state })),
  })
}

export async function status({ gateway }: Call): Promise<Response> {
  return json(200, await gateway.status())
}

export async function metrics({ gateway }: Call): Promise<Response> {
  const headers = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }
  return new Response(await gateway.metrics(), { headers })
}

export async function usage(call: Call): Promise<Response> {
  return json(200, await call.gateway.usage(rows(call)))
}
