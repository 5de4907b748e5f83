// Models: what the model server of a town answers: the echo's words, after a moment, whole or in pieces, as the model's name says.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Exchange, ModelRequest, ModelServer } from '../support/model-server.ts'

export const MODELS = ['whole', 'streaming'] as const

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
  const text = answerTo(request)
  await sleep(THINKING_MS)
  if (request.model !== 'streaming') return exchange.respond(text)
  for (const piece of text.split(/(?<= )/)) {
    await exchange.chunk(piece)
    await sleep(PIECE_MS)
  }
  await exchange.end()
}

/** Several messages of one turn stand in one text, with blank lines between them. */
function answerTo({ model, messages }: ModelRequest): string {
  const asked = (messages.at(-1)?.content ?? '').split(/\n+/)
  return asked.map((text) => `${model} heard: ${text}`).join('\n')
}
