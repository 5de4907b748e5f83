// Echo: the offline model. It answers `AGENT heard: TEXT` for each message of the turn, one a line.
//   The answer depends on the agent's id and the turn's messages alone: not on the history, the clock or chance.

import type { ModelDefinition } from '../../machines/definitions.ts'
import type { Clock } from '../world.ts'
import type { Agent, AgentParts, ThinkRequest, Thought } from './agent.ts'
import { cancelled } from './model-failure.ts'

export type EchoDefinition = Extract<ModelDefinition, { provider: 'echo' }>

export function buildEcho({ definition, world }: AgentParts, model: EchoDefinition): Agent {
  return {
    async think(request: ThinkRequest): Promise<Thought> {
      const { signal } = request
      throwIfCancelled(signal)
      if (model.delayMs > 0) await wait(world.clock, model.delayMs, signal)
      const text = request.messages.map((message) => `${definition.id} heard: ${message.text}`).join('\n')
      for (const word of words(text)) {
        request.onDelta(word)
        // What listens to a delta may cancel; nothing of the answer follows then.
        throwIfCancelled(signal)
      }
      return { text, calls: [], usage: null }
    },
    async probe(signal: AbortSignal): Promise<void> {
      throwIfCancelled(signal)
    },
  }
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled()
}

/** Resolves after `delayMs`; rejects with `cancelled` in the moment of an abort. Leaves no timer behind. */
function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clock.clearTimeout(timer)
      reject(cancelled())
    }
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, delayMs)
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** The pieces of a text, each a word with the space before it; joined they are the text. */
function words(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? []
}
