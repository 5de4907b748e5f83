// Refusals: messages of a turn that are not answered, because a hook refused them or they broke their session too often. Pure.

import type { Refusal } from './hooks.ts'
import type { Inbox } from './inbox.ts'

interface JudgedTurn {
  readonly turn: Inbox
  /** Messages that broke their session too often: they are given up. */
  readonly exhausted: readonly number[]
  readonly refused: readonly Refusal[]
}

/** What of a turn is to be answered: neither given up nor refused. */
export function answerable({ turn, exhausted, refused }: JudgedTurn): Inbox {
  const without = new Set([...exhausted, ...refused.flatMap(({ seqs }) => seqs)])
  return turn.filter(({ message }) => !without.has(message.seq))
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
