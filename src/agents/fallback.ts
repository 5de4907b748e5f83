// Fallback: several models as one agent. The next one is asked when one is overloaded, asked too often or away. A refusal (a wrong
// key, a request that it does not take) is told instead: it is to be mended and not to be hidden.
//   Nothing is asked after a piece of an answer was shown: two models would speak in one answer.
//   No retry stacks on another: only the last model in the order repeats a request.
//   One whose context has no room for the request is not asked: it would refuse. That is said in the log and to the person.
//   An abort closes the request that is open, and no further one begins.

import type { AgentDefinition, ModelDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { textTokens } from '../../machines/history.ts'
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
      const [first, ...others] = inOrder(models, request.steps)
      const tokens = tokensOf(definition, request)
      const small = others.filter((model) => !takesIn(model, tokens))
      const asked = first === undefined ? [] : [first, ...others.filter((model) => takesIn(model, tokens))]
      const thought = await ask(asked, request).catch((error: unknown) => {
        if (small.length === 0 || !isAway(error)) throw error
        log.warn(
          { models: small.map(modelLabel), tokens },
          'fallbacks were not asked: the request has no room in their context',
        )
        throw withSmall(error, small)
      })
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

/** About how much it takes in. */
function tokensOf({ instructions }: AgentDefinition, { history, messages, steps, tools }: ThinkRequest): number {
  const told = [
    ...history.map(({ text, steps: done = [] }) => text + JSON.stringify(done)),
    ...messages.map(({ text }) => text),
  ]
  return [instructions, ...told, JSON.stringify(steps), JSON.stringify(tools)].reduce(
    (tokens, text) => tokens + textTokens(text),
    0,
  )
}

function takesIn(model: ModelDefinition, tokens: number): boolean {
  return model.provider === 'echo' || tokens <= model.contextTokens
}

function withSmall(error: FailureError, small: readonly ModelDefinition[]): FailureError {
  const { failure } = error
  const names = small.map(modelLabel).join(', ')
  const message = `${failure.message} Not asked, because the conversation has no room in their context: ${names}.`
  return new FailureError({ ...failure, message }, { cause: error })
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

function isAway(error: unknown): error is FailureError {
  return error instanceof FailureError && error.failure.kind === 'retryable' && AWAY.includes(error.failure.reason)
}

/** Of a model that was asked in place of another one. */
function isRefusal(error: unknown): boolean {
  return error instanceof FailureError && error.failure.kind === 'permanent' && error.failure.reason !== 'cancelled'
}
