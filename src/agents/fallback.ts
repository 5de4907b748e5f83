// Fallback: several models as one agent. The next one is asked when one is overloaded, asked too often or away. A refusal (a wrong
// key, a request that it does not take) is told instead: it is to be mended and not to be hidden.
//   Nothing is asked after a piece of an answer was shown: two models would speak in one answer.
//   No retry stacks on another: only the last model in the order repeats a request.
//   An abort closes the request that is open, and no further one begins.

import type { ModelDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { modelLabel } from '../../machines/models.ts'
import type { Step } from '../../machines/steps.ts'
import type { Agent, AgentParts, ThinkRequest, Thought } from './agent.ts'

/** `once`: a request that fails is not repeated, because another model is asked then. */
export type Patience = 'once' | 'repeating'

export type BuildOne = (model: ModelDefinition, patience: Patience) => Promise<Agent>

export function fallbackAgent({ definition, log }: AgentParts, buildOne: BuildOne): Agent {
  const models = [definition.model, ...definition.fallbackModels]

  async function ask([model, ...rest]: readonly ModelDefinition[], request: ThinkRequest): Promise<Thought> {
    if (model === undefined) throw new Error('a definition has a model')
    const watched = watching(request)
    try {
      const agent = await buildOne(model, rest.length > 0 ? 'once' : 'repeating')
      return { ...(await agent.think(watched.request)), model }
    } catch (error) {
      const [next] = rest
      if (next === undefined || watched.hasSpoken() || request.signal.aborted || !isAway(error)) throw error
      const asked = { model: modelLabel(model), next: modelLabel(next), err: error }
      log.warn(asked, 'a model is overloaded or away: the next one is asked')
      return await ask(rest, request).catch((later: unknown) => {
        // What the person is told is what began it; the log has both.
        throw isRefusal(later) ? error : later
      })
    }
  }

  return {
    async think(request) {
      const thought = await ask(inOrder(models, request.steps), request)
      if (thought.model !== definition.model && thought.model !== undefined)
        log.info({ model: modelLabel(thought.model) }, 'a fallback answered')
      return thought
    },
    async probe(signal) {
      await (await buildOne(definition.model, 'repeating')).probe(signal)
    },
  }
}

/** A run stays with the model that answered in it: the others are asked after it. */
function inOrder(models: readonly ModelDefinition[], steps: readonly Step[]): readonly ModelDefinition[] {
  const last = steps.findLast((step) => step.kind === 'answer')
  const first = last?.kind === 'answer' ? models.findIndex((model) => modelLabel(model) === last.model) : -1
  return first < 0 ? models : [...models.slice(first), ...models.slice(0, first)]
}

function watching(request: ThinkRequest): { readonly request: ThinkRequest; hasSpoken(): boolean } {
  let spoken = false
  const onDelta = (text: string): void => {
    spoken = true
    request.onDelta(text)
  }
  return { request: { ...request, onDelta }, hasSpoken: () => spoken }
}

const AWAY: readonly string[] = ['rateLimited', 'unavailable', 'timeout']

function isAway(error: unknown): boolean {
  return error instanceof FailureError && error.failure.kind === 'retryable' && AWAY.includes(error.failure.reason)
}

/** Of a model that was asked in place of another one. */
function isRefusal(error: unknown): boolean {
  return error instanceof FailureError && error.failure.kind === 'permanent' && error.failure.reason !== 'cancelled'
}
