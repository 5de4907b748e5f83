// Models: what the model server of a town answers: the echo's words, after a moment, as the model's name says: in pieces, or
// after it has used its tools.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Exchange, ModelRequest, ModelServer } from '../support/model-server.ts'
import { TOOLS } from './tools.ts'

export const MODELS = ['acting', 'streaming'] as const

/** Long enough that kills meet a request, short enough that a life has many. */
const THINKING_MS = 12
const PIECE_MS = 4

/** Answers every request until the server is closed. */
export async function answerAll(model: ModelServer): Promise<never> {
  for (;;) {
    const exchange = model.next()
    const request = await exchange.arrived
    // Whoever asked may be dead by now.
    answer(exchange, request).catch(() => {})
  }
}

async function answer(exchange: Exchange, request: ModelRequest): Promise<void> {
  await sleep(THINKING_MS)
  if (request.model === 'acting' && request.messages.at(-1)?.role === 'user') {
    const given = JSON.stringify({ text: request.messages.at(-1)?.content })
    const calls = TOOLS.map((name, index) => ({ id: `call-${index}`, name, arguments: given }))
    return exchange.respond({ chunks: [], calls })
  }
  const text = answerTo(request)
  if (request.model === 'acting') return exchange.respond(text)
  for (const piece of text.split(/(?<= )/)) {
    await exchange.chunk(piece)
    await sleep(PIECE_MS)
  }
  await exchange.end()
}

/** Several messages of one turn stand in one text, with blank lines between them. */
function answerTo({ model, messages }: ModelRequest): string {
  const asked = (messages.findLast(({ role }) => role === 'user')?.content ?? '').split(/\n+/)
  return asked.map((text) => `${model} heard: ${text}`).join('\n')
}
