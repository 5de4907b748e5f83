// Completions port: what the OpenAI API may ask of the running gateway; a part of port.ts.

import type { Failure } from '../../machines/failure.ts'
import type { Question } from '../../machines/openai.ts'
import type { TurnedAway } from './port.ts'

/** The door for clients of the OpenAI API. */
export interface CompletionsPort {
  /** Agents that can answer, in the order of the file. */
  models(): readonly { readonly id: string; readonly sinceMs: number }[]
  /** Why an agent of the file cannot answer; null: there is nothing in its way, or no such agent. */
  lacks(agent: string): string | null
  /** Resolves with what became of the question. When `signal` aborts its client is gone: a run for it alone is ended. */
  ask(question: Question, hearing: Hearing, signal: AbortSignal): Promise<CompletionEnd>
}

export interface Hearing {
  /** It is on disk. */
  accepted(seq: number): void
  /** A piece of the answer. */
  delta(text: string): void
}

export type CompletionEnd =
  /** `isCut`: the model stopped at its longest answer, in the middle of it. */
  | { readonly kind: 'answered'; readonly text: string; readonly spent: Tokens; readonly isCut?: true }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'turnedAway'; readonly reason: TurnedAway }
  /**
   * The inbox was full; somebody's word ended it; it is set aside; it is answered after the next start; it was handled before; its id is
   * another question's.
   */
  | { readonly kind: 'full' | 'stopped' | 'broken' | 'kept' | 'past' | 'reused' | 'left' }

export interface Tokens {
  readonly inputTokens: number
  readonly outputTokens: number
}
