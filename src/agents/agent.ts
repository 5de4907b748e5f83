// Agent: the contract between a run and what can think. Built from a definition inside the run that uses it, never shared.

import type { AgentDefinition, ModelDefinition, SecretReference } from '../../machines/definitions.ts'
import type { Sender } from '../../machines/messages.ts'
import type { Step, ToolCall } from '../../machines/steps.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'

export interface Agent {
  /**
   * One model answer: the last one of a run, or one that asks for tools. Resolves with the whole text. Rejects with a
   * FailureError in plain words; with `cancelled` when `signal` aborts, in which case the request to the model is closed at
   * once. Nothing is called after it settled.
   */
  think(request: ThinkRequest): Promise<Thought>
  /** Asks whether the model's endpoint answers to this credential, without generating; used by `doctor`. */
  probe(signal: AbortSignal): Promise<void>
}

/** What makes text of speech. */
export interface Transcription {
  /** Rejects as `think` does. */
  transcribe(speech: Speech, signal: AbortSignal): Promise<string>
  /** Asks as an agent's `probe` does; nothing is transcribed. */
  probe(signal: AbortSignal): Promise<void>
}

export interface Speech {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** What makes text of pictures, for an agent whose own model is shown none. */
export interface Description {
  /** Rejects as `think` does. The answer's text is what the picture shows, and its model the one that looked at it. */
  describe(picture: Picture, signal: AbortSignal): Promise<Thought>
  /** Asks as an agent's `probe` does; nothing is described. */
  probe(signal: AbortSignal): Promise<void>
}

export interface Picture extends Shown {
  /** What was written with it: what matters about it. Empty: nothing was. */
  readonly words: string
}

/** Builds what the definition says under `vision.describe_with`; loads its provider's library. */
export type BuildDescription = (parts: AgentParts) => Promise<Description>

/** Builds what the definition says under `transcription`. */
export type BuildTranscription = (parts: AgentParts) => Promise<Transcription>

export interface ThinkRequest {
  /** Earlier turns, oldest first. */
  readonly history: readonly HistoryMessage[]
  /** The messages of this turn, in order; at least one. */
  readonly messages: readonly TurnMessage[]
  /** What this run did before: earlier answers with their calls, results, what was said meanwhile. Oldest first. */
  readonly steps: readonly Step[]
  /** What the model may ask for; empty: nothing. */
  readonly tools: readonly ToolSpec[]
  /** False: the tools are shown and may not be asked for. */
  readonly mayCall: boolean
  /** Pieces of the answer as they come; their sum is the text. */
  readonly onDelta: (text: string) => void
  readonly signal: AbortSignal
}

export interface HistoryMessage {
  readonly role: 'user' | 'assistant'
  readonly text: string
  readonly shown?: readonly Shown[]
  /** Who wrote a `user` text. Shown to the model when this turn stands in a group; without it the text stands bare. */
  readonly sender?: Sender | null
  /** What the run of an `assistant` text did on the way to it. */
  readonly steps?: readonly Step[]
}

/** As much of a tool as a model is told. */
export interface ToolSpec {
  readonly name: string
  readonly description: string
  /** A JSON Schema of type `object`. */
  readonly parameters: Readonly<Record<string, unknown>>
}

export interface TurnMessage {
  readonly text: string
  readonly sender: Sender
  /** In a group several people speak: the model is told who. */
  readonly kind: 'dm' | 'group'
  /** What is shown with it, to a model that takes it. */
  readonly shown?: readonly Shown[]
}

export interface Shown {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

export interface Thought {
  readonly text: string
  /** Tools that the model asks for; empty: this answer is the last. */
  readonly calls: readonly ToolCall[]
  readonly usage: Usage | null
  /** The model stopped at its longest answer, in the middle of it. */
  readonly isCut?: true
  /** Which of the definition's models gave it; left out: its own and no fallback. */
  readonly model?: ModelDefinition
}

/** Tokens as the provider counts them. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface AgentParts {
  readonly definition: AgentDefinition
  /** The value of a secret, at the moment of use; throws FailureError `missing` with the variable's name. */
  readonly secret: (reference: SecretReference) => string
  readonly world: World
  readonly log: Log
}

/** Builds the live agent of a definition; loads a provider's library at its first use. */
export type BuildAgent = (parts: AgentParts) => Promise<Agent>
