// Define hook: what a user's own hook module exports. Published as `troupe/hook`; stands alone, so that its types do too.

export interface HookSender {
  readonly id: string
  readonly name: string | null
  readonly handle: string | null
}

/** A file that came with a message, as its platform tells of it; null where it does not. */
export interface HookAttachment {
  readonly kind: 'image' | 'voice' | 'audio' | 'video' | 'document' | 'other'
  readonly name: string | null
  readonly media_type: string | null
  readonly bytes: number | null
  readonly seconds: number | null
}

export interface HookMessage {
  /** The number under which it was accepted; the same when it is told again. */
  readonly id: number
  readonly text: string
  readonly sender: HookSender
  readonly kind: 'dm' | 'group'
  readonly attachments: readonly HookAttachment[]
  /** ISO 8601. */
  readonly accepted_at: string
}

interface OfTurn {
  /** The same whenever the same thing is told again, as after a crash. */
  readonly id: string
  readonly agent: string
  readonly channel: string
  readonly session: string
  readonly turn: string
}

export interface HookDeadLetter {
  readonly id: number
  readonly kind: 'message' | 'reply'
  readonly channel: string
  readonly conversation: string
  readonly text: string
  readonly reason: string
  /** ISO 8601. */
  readonly at: string
}

/** What a hook is told; a program reads the same as JSON. */
export type Hooked =
  | ({ readonly event: 'session.start' } & OfTurn)
  | ({ readonly event: 'message.accepted'; readonly message: HookMessage } & OfTurn)
  | ({ readonly event: 'run.start'; readonly messages: readonly HookMessage[] } & OfTurn)
  | ({
      readonly event: 'run.end'
      readonly outcome: 'answered' | 'failed' | 'stopped' | 'interrupted'
      /** The answer, or why there is none. */
      readonly text: string
    } & OfTurn)
  | { readonly event: 'dead_letter'; readonly id: string; readonly dead_letter: HookDeadLetter }
  | {
      readonly event: 'gateway.start'
      readonly id: string
      readonly version: string
      readonly url: string
      readonly channels: readonly { readonly id: string; readonly state: string; readonly reason: string | null }[]
    }

/** What may be answered to an event; nothing to those that are not here. */
export interface HookAnswers {
  'message.accepted': {
    /** Instead of the message's text. */
    readonly text?: string
    /** Why it goes no further; its sender is told. */
    readonly refuse?: string
  }
  'run.start': {
    /** Added behind the text of the turn. */
    readonly text?: string
    /** Added to the agent's instructions, for this run. */
    readonly instructions?: string
    /** Why no run begins; the senders are told. */
    readonly refuse?: string
  }
}

export interface HookScope {
  /** Aborts when nobody waits any more: at the hook's time limit, at /stop, at the end of the process. */
  readonly signal: AbortSignal
}

type Answer = HookAnswers[keyof HookAnswers] | undefined | void

export type OwnHook = (hooked: Hooked, scope: HookScope) => Answer | Promise<Answer>

/** Gives the module's default export its type; changes nothing about it. */
export function defineHook(hook: OwnHook): OwnHook {
  return hook
}
