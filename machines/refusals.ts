// Refusals: messages of a turn that a hook refused, and what is said of them. Pure.

import type { Refusal } from './hooks.ts'
import type { Inbox } from './inbox.ts'

/** What of a turn no hook refused. */
export function unrefused(turn: Inbox, refused: readonly Refusal[]): Inbox {
  return turn.filter(({ message }) => !refused.some(({ seqs }) => seqs.includes(message.seq)))
}

export function itemsOf(turn: Inbox, { seqs }: Refusal): Inbox {
  return turn.filter(({ message }) => seqs.includes(message.seq))
}

export function refusedText({ reason }: Pick<Refusal, 'reason'>): string {
  return `Your message was refused: ${reason}`
}

export function refusedReason({ reason }: Refusal): string {
  return `${BY_A_HOOK}${reason}`
}

/** What was said to the sender of a message that ended for this reason; null: no hook refused it. */
export function refusedTextFor(reason: string | null): string | null {
  return reason?.startsWith(BY_A_HOOK) ? refusedText({ reason: reason.slice(BY_A_HOOK.length) }) : null
}

const BY_A_HOOK = 'a hook refused it: '
