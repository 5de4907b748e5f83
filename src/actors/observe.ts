// Observe: what happens in the tree, said at the moment when it happens, to whoever counts it and traces it. The contract; the
// composition root provides it.
//   O1. Observing changes nothing: every word returns at once and throws nothing, and nobody waits for an answer.
//   O2. Nothing that is said holds a text, a person's name or a secret: ids, counts and closed sets of words only.
//   A session's key is for traces alone: there are as many as there are conversations, and no count may be kept for each (M2).

import type { HookEvent } from '../../machines/hooks.ts'
import type { Outcome } from '../../machines/messages.ts'

export interface Observe {
  /** Something that takes time begins; whoever says so says once how it ended. */
  begin(activity: Activity): End
  /** Something happened. */
  note(happening: Happening): void
}

export type End = (ending: Ending) => void

/** What takes time. Those of one session lie within each other: a run in its turn, a step in its run. */
export type Activity =
  /** The durable write of an inbound message. */
  | { readonly kind: 'accept'; readonly channel: string; readonly session: string }
  /** From the claim to the commit, or to whatever else ends it. */
  | ({ readonly kind: 'turn' | 'pending' | 'run' | 'commit' } & InSession)
  /** One model answer. */
  | { readonly kind: 'answer'; readonly session: string; readonly agent: string }
  /** One call of a tool that there is; its name is chosen by whoever configured it. */
  | { readonly kind: 'tool'; readonly session: string; readonly agent: string; readonly tool: string }
  /** An operator's hook. */
  | { readonly kind: 'hook'; readonly event: HookEvent; readonly session: string; readonly agent: string }
  /** From the first look at a reply to its last receipt, with all waits and tries. */
  | { readonly kind: 'delivery'; readonly channel: string; readonly conversation: string; readonly outbox: number }

export interface InSession {
  readonly session: string
  readonly channel: string
  readonly agent: string
}

export type Ending =
  /** As it should: written, prepared, answered by the model, delivered. */
  | 'done'
  /** The same message again: nothing was written. */
  | 'duplicate'
  /** It ended by itself, and not as it should. */
  | 'failed'
  /** On the sender's word: `/stop`, `/new`. */
  | 'stopped'
  /** By a newer message. */
  | 'interrupted'
  /** By the end of the process; the next start goes on. */
  | 'drained'
  /** By a defect, its own or of one above. */
  | 'broken'
  /** A reply that became a dead letter. */
  | 'dead'

export type Happening =
  /** A message was turned away at the door, or found no room. */
  | { readonly kind: 'refused'; readonly channel: string; readonly reason: string }
  /** An accepted message reached its end (S4). */
  | { readonly kind: 'settled'; readonly channel: string; readonly outcome: Outcome }
  | { readonly kind: 'restarted'; readonly what: Restarted }
  /** An MCP server of an agent, by its name in the file. `failed`: it ended too often, and is left alone. */
  | {
      readonly kind: 'mcp'
      readonly agent: string
      readonly server: string
      readonly became: 'ready' | 'ended' | 'failed'
    }
  /** Of a request of the session's run; `estimated`: as much of them as nobody told. */
  | {
      readonly kind: 'tokens'
      readonly session: string
      readonly agent: string
      readonly input: number
      readonly output: number
      readonly estimated: { readonly input: number; readonly output: number }
    }
  /** Speech was made text, or was on the way there when it was cut. */
  | { readonly kind: 'speech'; readonly session: string; readonly agent: string; readonly seconds: number }
  /** One transaction of the store, with all that was asked for in that moment. */
  | { readonly kind: 'written'; readonly ms: number }

export type Restarted = 'connection' | 'channel' | 'partition' | 'session' | 'delivery' | 'mcp'
