// Model: an agent whose answers come from a model provider. The one file that knows the AI SDK.
//   One `think` is one request: the steps of a run are the run machine's, so none of the SDK's loops is used.
//   An abort closes the request at once, and nothing is called after `think` settled.
//   A2. Provider, request and timers are made for each `think`; only the loaded library is shared.
//   A3. The key is resolved for each request and kept nowhere; nothing that the SDK throws leaves this file as it is.
//   A model is always an object: the SDK would send a bare name to a hosted gateway.

import {
  APICallError,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  RetryError,
  StreamProviderError,
  streamText,
  type TextStreamPart,
  tool,
  type ToolSet,
} from 'ai'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { instructionsFailure } from '../../machines/room.ts'
import { isShown } from '../../machines/senses.ts'
import type { Heard } from '../../machines/speech.ts'
import type { Step, ToolCall } from '../../machines/steps.ts'
import type { Agent, AgentParts, RequestMeter, Speech, ThinkRequest, Thought, ToolSpec, Usage } from './agent.ts'
import type { Patience } from './fallback.ts'
import { type Lifetime, openLifetime } from './lifetime.ts'
import { type Endpoint, endpointOf, probeEndpoint } from './model-endpoint.ts'
import * as failures from './model-failure.ts'
import type { LiveModelDefinition, Trouble } from './model-failure.ts'
import { countedIn, heardTokens, meteredFetch } from './model-meter.ts'
import { plainCallId, promptOf, wireName } from './model-prompt.ts'

/** Silence before the answer: a local model loads its weights, a large one reasons. Repeated requests are within it. */
export const FIRST_TEXT_MS_MAX = 120_000

/** Silence within an answer: text comes every few milliseconds, so a minute of nothing is a broken connection. */
export const NEXT_TEXT_MS_MAX = 60_000

/** Repeats of a request that failed before its first byte (429, 5xx, no connection); nothing else repeats it. */
const REPEATS: Readonly<Record<Patience, number>> = { once: 0, repeating: 2 }

type Part = TextStreamPart<ToolSet>
type Finish = Extract<Part, { type: 'finish' }>

/** One call for the text of speech. */
export interface SpeechRequest {
  readonly endpoint: Endpoint
  readonly name: string
  readonly speech: Speech
  readonly meter: RequestMeter
  readonly signal: AbortSignal
}

/** One `think`, from its request to its end. */
interface Call {
  readonly parts: AgentParts
  readonly model: LiveModelDefinition
  readonly endpoint: Endpoint
  readonly request: ThinkRequest
  readonly lifetime: Lifetime
  readonly patience: Patience
  /** As much of the answer as has come. */
  text: string
  readonly calls: ToolCall[]
  /** The piece of the stream that the parts now come from was counted by its provider. */
  isCounted: boolean
}

/** Makes the SDK's model for one request. */
type Connect = (endpoint: Endpoint, fetch: typeof globalThis.fetch) => LanguageModel

export async function buildModel(parts: AgentParts, model: LiveModelDefinition, patience: Patience): Promise<Agent> {
  const connect = await loadProvider(model)
  const endpoint = (): Endpoint => endpointOf(model, model.apiKey === null ? null : parts.secret(model.apiKey))
  return {
    async think(request) {
      if (request.signal.aborted) throw failures.cancelled()
      const lifetime = openLifetime(parts.world.clock, request.signal)
      try {
        const begun = { text: '', calls: [], isCounted: false }
        const call: Call = { parts, model, endpoint: endpoint(), request, lifetime, patience, ...begun }
        lifetime.expect(FIRST_TEXT_MS_MAX)
        // The race, because nobody who cancels should wait for a library to notice.
        return await Promise.race([read(call, open(call, connect)), lifetime.ended])
      } finally {
        // Leaving the stream alone does not close its connection; only an abort does.
        lifetime.close()
      }
    },
    async probe(signal) {
      if (signal.aborted) throw failures.cancelled()
      await probeEndpoint({ model, endpoint: endpoint(), world: parts.world }, signal)
    },
  }
}

/** Text of speech, through the OpenAI API, which both providers of a transcription speak. Rejects with what the SDK throws. */
export async function transcribeSpeech({ endpoint, name, speech, meter, signal }: SpeechRequest): Promise<Heard> {
  const { createOpenAI } = await import('@ai-sdk/openai')
  const model = createOpenAI({ ...withKey(endpoint), fetch: meteredFetch(meter) }).transcription(name)
  const { bytes: audio, mediaType } = speech
  // Asked itself and not through the SDK's own call, which would guess the type anew and repeat requests.
  const { text, durationInSeconds, usage } = await model.doGenerate({ audio, mediaType, abortSignal: signal })
  return { text, seconds: durationInSeconds ?? null, tokens: heardTokens(usage) }
}

/** Loads the provider's library and nothing of the others. */
async function loadProvider(model: LiveModelDefinition): Promise<Connect> {
  switch (model.provider) {
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
      return ({ baseUrl, apiKey }, fetch) => {
        const settings = { name: model.provider, baseURL: baseUrl, includeUsage: true, fetch }
        return createOpenAICompatible(apiKey === null ? settings : { ...settings, apiKey })(model.name)
      }
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai')
      return (endpoint, fetch) => createOpenAI({ ...withKey(endpoint), fetch })(model.name)
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic')
      return (endpoint, fetch) => createAnthropic({ ...withKey(endpoint), fetch })(model.name)
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google')
      return (endpoint, fetch) => createGoogle({ ...withKey(endpoint), fetch })(model.name)
    }
  }
}

/** Both always given: the libraries would fill a gap from environment variables. */
function withKey({ baseUrl, apiKey }: Endpoint): { baseURL: string; apiKey: string } {
  return { baseURL: baseUrl, apiKey: apiKey ?? '' }
}

function open(call: Call, connect: Connect): AsyncIterable<Part> {
  // Warnings come with the stream and go to our log; the SDK's own way is the console.
  globalThis.AI_SDK_LOG_WARNINGS = false
  const { instructions, vision } = call.parts.definition
  const sees = (mediaType: string): boolean => isShown(call.model, vision, mediaType)
  // A server of one's own may know its calls by the form of their ids.
  const wire = call.model.provider === 'openai-compatible' ? { sees } : { sees, callId: plainCallId }
  return streamText({
    model: connect(call.endpoint, meteredFetch(requestMeter(call))),
    ...(instructions.trim() === '' ? {} : { instructions }),
    // Its parts are the SDK's own, but for readonly.
    messages: promptOf(call.request, wire) as ModelMessage[],
    ...toolsOf(call.request),
    maxRetries: REPEATS[call.patience],
    abortSignal: call.lifetime.signal,
    telemetry: { isEnabled: false },
    // What a provider counts on the way is in no other part.
    include: { rawChunks: true },
    // What people write is not kept at the provider beyond the answer.
    providerOptions: { openai: { store: false } },
    // Errors are read from the stream; without this the SDK prints them.
    onError: () => {},
  }).stream
}

function requestMeter({ model, request: { meter } }: Call): RequestMeter {
  return { sent: () => meter.sent(model), refused: () => meter.refused() }
}

/** Without `execute`: the SDK hands the calls over and does nothing about them. */
function toolsOf({ tools, steps, mayCall }: ThinkRequest): { tools?: ToolSet; toolChoice?: 'none' } {
  const all = [...tools, ...goneIn(steps, tools)]
  if (all.length === 0) return {}
  const told: ToolSet = {}
  for (const { name, description, parameters } of all) {
    told[wireName(name)] = tool({ description, inputSchema: jsonSchema<unknown>({ ...parameters }) })
  }
  return { tools: told, ...(mayCall ? {} : { toolChoice: 'none' }) }
}

/** What the run called and does not have (any more): providers refuse calls of what they are not shown. */
function goneIn(steps: readonly Step[], tools: readonly ToolSpec[]): readonly ToolSpec[] {
  const called = steps.flatMap((step) => (step.kind === 'answer' ? step.calls.map(({ tool: name }) => name) : []))
  const gone = called.filter((name) => !tools.some((known) => known.name === name))
  return gone.map((name) => ({ name, description: 'There is no such tool.', parameters: { type: 'object' } }))
}

async function read(call: Call, stream: AsyncIterable<Part>): Promise<Thought> {
  const { lifetime, request } = call
  let finish: Finish | null = null
  for await (const part of providerParts(call, stream)) {
    if (lifetime.signal.aborted) throw failures.cancelled()
    noteTaken(call, part)
    // No sign of life by itself: some servers send such pieces for ever.
    if (part.type === 'raw') continue
    if (part.type === 'text-delta' && part.text !== '') {
      call.text += part.text
      request.onDelta(part.text)
    } else if (part.type === 'tool-call') call.calls.push(askedCall(call, part))
    else if (part.type === 'error') throw errorOf(call, part.error)
    else if (part.type === 'start-step') noteWarnings(call, part.warnings)
    else if (part.type === 'finish') finish = part
    lifetime.expect(call.text === '' ? FIRST_TEXT_MS_MAX : NEXT_TEXT_MS_MAX)
  }
  return thoughtOf(call, finish)
}

/** Each piece of the stream comes as it is, and then as the parts that are in it. */
function noteTaken(call: Call, part: Part): void {
  const { meter } = call.request
  if (part.type === 'raw') {
    const counted = countedIn(call.model.provider, part.rawValue)
    call.isCounted = counted?.outputTokens != null
    if (counted !== null) meter.counted(counted)
  } else if (!call.isCounted) {
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') meter.wrote(part.text)
    else if (part.type === 'tool-input-delta') meter.wrote(part.delta)
  }
}

/** The parts of a stream; what its source throws becomes a failure, what its reader throws stays a defect. */
async function* providerParts(call: Call, stream: AsyncIterable<Part>): AsyncGenerator<Part> {
  try {
    yield* stream
  } catch (thrown) {
    throw errorOf(call, thrown)
  }
}

function thoughtOf(call: Call, finish: Finish | null): Thought {
  const reason = finish?.finishReason
  // With `stop` the text is the model's own refusal in words: an answer like any other.
  if (reason === 'content-filter' && finish?.rawFinishReason !== 'stop')
    throw new FailureError(failures.CONTENT_WITHHELD)
  if (call.text.trim() === '' && call.calls.length === 0) throw new FailureError(failures.EMPTY_ANSWER)
  // A server that hangs up politely looks like the end of a stream; only the provider's word for it is one.
  if (finish === null || (finish.rawFinishReason === undefined && reason !== 'stop' && reason !== 'tool-calls'))
    throw new FailureError(failures.BROKEN_OFF)
  const thought = { text: call.text, calls: call.calls, usage: usageOf(finish) }
  if (reason !== 'length') return thought
  call.parts.log.warn(about(call), 'the model stopped at its longest answer')
  return { ...thought, isCut: true }
}

function askedCall({ request }: Call, part: Extract<Part, { type: 'tool-call' }>): ToolCall {
  const known = request.tools.find(({ name }) => wireName(name) === part.toolName)
  // A call of something else, or with an input that is not JSON, is answered as such: the model can read that.
  return { id: part.toolCallId, tool: known?.name ?? part.toolName, input: part.input }
}

function usageOf(finish: Finish): Usage | null {
  const { inputTokens, outputTokens } = finish.totalUsage
  if (inputTokens === undefined && outputTokens === undefined) return null
  return { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 }
}

/** The failure that an error of the SDK stands for; its words become the cause, without the key. */
function errorOf(call: Call, thrown: unknown): FailureError {
  const trouble = { ...troubleOf(thrown), begun: call.text !== '' }
  const found = failures.failureFor(trouble, call.model, call.parts.world.nowMs())
  const failure = found === failures.TOO_LONG_FOR_MODEL ? (tooLongByItself(call) ?? found) : found
  return failures.modelError(failure, trouble, call.endpoint.apiKey)
}

/** A new history would help nobody whose instructions alone are too long. */
function tooLongByItself({ parts, model }: Call): Failure | null {
  return instructionsFailure(parts.definition, model)
}

export function troubleOf(thrown: unknown): Omit<Trouble, 'begun'> {
  const error = RetryError.isInstance(thrown) ? thrown.lastError : thrown
  if (APICallError.isInstance(error)) {
    return {
      status: error.statusCode ?? null,
      headers: error.responseHeaders ?? {},
      said: `${error.message} ${error.responseBody ?? ''}`,
    }
  }
  if (StreamProviderError.isInstance(error)) {
    const said = `${error.message} ${error.type ?? ''} ${error.code ?? ''}`
    return { status: error.statusCode ?? null, headers: {}, said }
  }
  const said = error instanceof Error ? `${error.name}: ${error.message}` : typeof error === 'string' ? error : ''
  return { status: null, headers: {}, said }
}

function noteWarnings(call: Call, warnings: readonly unknown[]): void {
  if (warnings.length > 0) call.parts.log.warn({ ...about(call), warnings }, 'the model library warns')
}

function about({ parts, model }: Call): { agent: string; provider: string; model: string } {
  return { agent: parts.definition.id, provider: model.provider, model: model.name }
}
