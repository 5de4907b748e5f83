// Model: what the model server of a soak answers: the tool that a person names, then some pieces of text; and nothing at all to who says
// "hang", until the request is closed.

import type { WireCall } from '../support/model-request.ts'
import type { Exchange, ModelRequest, ModelServer } from '../support/model-server.ts'

/** By the word that a person says. */
const CALLS: Readonly<Record<string, Omit<WireCall, 'id'>>> = {
  write: { name: 'files_write', arguments: '{"path":"note.txt","content":"written"}' },
  run: { name: 'shell', arguments: '{"command":"echo ran"}' },
  ask: { name: 'toy__echo', arguments: '{"text":"asked"}' },
}

/** Answers every request until the server is closed. */
export async function answerAll(model: ModelServer): Promise<never> {
  for (;;) {
    const exchange = model.next()
    const request = await exchange.arrived
    // Whoever asked may be gone by now.
    answer(exchange, request).catch(() => {})
  }
}

async function answer(exchange: Exchange, { messages }: ModelRequest): Promise<void> {
  const last = messages.at(-1)
  // The last: what was interrupted stands before it, in one message.
  const word = last?.role === 'user' ? (/\w+$/.exec(last.content)?.[0] ?? '') : ''
  if (word === 'hang') return
  const call = CALLS[word]
  if (call === undefined) return exchange.respond({ chunks: ['This is ', 'what I ', 'say.'] })
  return exchange.respond({ chunks: [], calls: [{ ...call, id: 'call' }] })
}
