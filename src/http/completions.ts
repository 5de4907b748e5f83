// Completions: the agents behind the OpenAI API. A request is a message of a conversation, and its answer is awaited.
//   H5. A client that goes away ends the run that is for it alone.

import type { Failure } from '../../machines/failure.ts'
import { namedConversation, oneOffConversation } from '../../machines/openai.ts'
import { turnIdOf } from '../../machines/steps.ts'
import { json, Refusal } from './answers.ts'
import type { Call } from './call.ts'
import {
  chunk,
  completion,
  completionError,
  type Delta,
  finishOf,
  type Heading,
  model as modelView,
  models,
  refusalFor,
} from './completion-answer.ts'
import { type CompletionRequest, readCompletion } from './completion-request.ts'
import type { ServerEvent } from './events.ts'
import { FIRST_WORD_MS_MAX } from './limits.ts'
import type { Question } from '../../machines/openai.ts'
import type { CompletionEnd, CompletionsPort } from './completions-port.ts'

export function listModels(call: Call): Response {
  return json(200, models(agentsOf(call).models()))
}

export function showModel(call: Call): Response {
  const agents = agentsOf(call)
  return json(200, modelView(modelNamed(agents, call.part('model'))))
}

export async function complete(call: Call): Promise<Response> {
  const agents = agentsOf(call)
  const wish = await readCompletion(call.request)
  modelNamed(agents, wish.model)
  const asking = new Asking(call, wish, agents)
  return wish.stream ? streamed(call, asking) : whole(asking)
}

async function whole(asking: Asking): Promise<Response> {
  const end = await asking.ended
  if (end.kind !== 'answered') throw refusalFor(end)
  return json(200, completion(asking.heading, end))
}

/** What is refused is usually refused at once: then the status says so. Later it is an event of the stream. */
async function streamed(call: Call, asking: Asking): Promise<Response> {
  const { clock } = call.world
  const late = Promise.withResolvers<'late'>()
  const timer = clock.setTimeout(() => late.resolve('late'), FIRST_WORD_MS_MAX)
  const first = await Promise.race([asking.ended, asking.spoke, late.promise]).finally(() => clock.clearTimeout(timer))
  if (typeof first === 'object' && first.kind !== 'answered') throw refusalFor(first)
  return call.streams.open({ opening: '', cut: call.cut, follow: (emit, signal) => asking.follow(emit, signal) })
}

/** One request: what came of its answer so far, and who reads it. */
class Asking {
  readonly ended: Promise<CompletionEnd>
  heading: Heading
  readonly #wish: CompletionRequest
  readonly #gone = new AbortController()
  readonly #spoke = Promise.withResolvers<'spoke'>()
  /** Said and not shown yet: the reader is behind, or not there yet. */
  #unread = ''
  #wake: () => void = () => {}
  #end: CompletionEnd | null = null

  constructor(call: Call, wish: CompletionRequest, agents: CompletionsPort) {
    const { world, request } = call
    this.#wish = wish
    const created = Math.floor(world.nowMs() / 1_000)
    this.heading = { id: `chatcmpl-${world.id()}`, created, model: wish.model }
    const leave = (): void => this.#gone.abort()
    request.signal.addEventListener('abort', leave)
    this.ended = this.#ask(agents, questionOf(wish, call)).finally(() =>
      request.signal.removeEventListener('abort', leave),
    )
    // Whoever awaits it is told; a stream is told by its own end.
    this.ended.catch(() => {})
  }

  get spoke(): Promise<'spoke'> {
    return this.#spoke.promise
  }

  /** Shows the answer as it comes, to its end. */
  async follow(emit: (event: ServerEvent) => void | Promise<void>, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => {
      this.#gone.abort()
      this.#wake()
    })
    const show = (delta: Delta | null, usage: Parameters<typeof chunk>[2] = this.#noUsage): void | Promise<void> =>
      emit({ name: null, id: null, data: chunk(this.heading, delta, usage) })
    await show({ role: 'assistant' })
    while (!signal.aborted) {
      const content = this.#unread
      this.#unread = ''
      if (content !== '') await show({ content })
      else if (this.#end === null) await new Promise<void>((resolve) => (this.#wake = resolve))
      else break
    }
    const end = this.#end
    if (end === null) return
    if (end.kind !== 'answered') return emit(plain(JSON.stringify(completionError(refusalFor(end)))))
    await show(finishOf(end))
    if (this.#wish.wantsUsage) await show(null, { usage: end.spent })
    await emit(plain('[DONE]'))
  }

  get #noUsage(): { readonly usage?: null } {
    return this.#wish.wantsUsage ? { usage: null } : {}
  }

  async #ask(agents: CompletionsPort, question: Question): Promise<CompletionEnd> {
    const hearing = {
      accepted: (seq: number): void => {
        this.heading = { ...this.heading, id: `chatcmpl-${turnIdOf({ seq })}` }
      },
      delta: (text: string): void => {
        this.#unread += text
        this.#spoke.resolve('spoke')
        this.#wake()
      },
    }
    try {
      this.#end = await agents.ask(question, hearing, this.#gone.signal)
      return this.#end
    } catch (error) {
      this.#end = { kind: 'failed', failure: UNFORESEEN }
      throw error
    } finally {
      this.#wake()
    }
  }
}

const UNFORESEEN: Failure = {
  kind: 'defect',
  reason: 'defect',
  message: 'Something went wrong inside Troupe; its log says more.',
}

/** Who says nothing of a person is one person: whoever has the token. */
const ANYBODY = 'anonymous'

function questionOf(
  { model, user, name, text, earlier, brief, messageId }: CompletionRequest,
  { world }: Call,
): Question {
  const common = { agent: model, user: user ?? ANYBODY, text, brief, messageId }
  // A conversation with a name has a history of its own, whatever the client repeats of it.
  if (name !== null) return { ...common, conversation: namedConversation(model, name), earlier: [] }
  return { ...common, conversation: oneOffConversation(model, messageId ?? world.id()), earlier }
}

function agentsOf({ gateway }: Call): CompletionsPort {
  const agents = gateway.completions()
  if (agents !== null) return agents
  throw new Refusal(404, 'not_found', 'The OpenAI API of this gateway is switched off (gateway.openai_api).')
}

function modelNamed(agents: CompletionsPort, name: string) {
  const all = agents.models()
  const found = all.find(({ id }) => id === name)
  if (found !== undefined) return found
  const lacks = agents.lacks(name)
  if (lacks !== null) throw new Refusal(503, 'not_ready', lacks).about('model').with({ 'x-should-retry': 'false' })
  const others = all.length === 0 ? 'none' : all.map(({ id }) => id).join(', ')
  const message = `The model ${JSON.stringify(name.slice(0, 64))} does not exist: a model is an agent here. There are: ${others}.`
  throw new Refusal(404, 'model_not_found', message).about('model')
}

function plain(data: string): ServerEvent {
  return { name: null, id: null, data }
}
