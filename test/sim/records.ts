// Records: what the ledger keeps of each message and of each reply.

import type { Outcome, Reply } from '../../machines/messages.ts'
import type { NewMessage } from '../../src/store/store.ts'

export interface Written {
  readonly seq: number
  readonly message: NewMessage
  outcome: Outcome | null
  reason: string | null
  /** Tries on disk, and those of them that ended by the message's own doing: a lost process or a failed session. */
  tries: number
  culpable: number
  /** A try has begun and not ended. */
  open: boolean
  /** The system was at rest with it: from then on it is not refused any more. */
  kept: boolean
  /** Its process or session was lost since: it has come back from the store. */
  recovered: boolean
  /** It was tried too often: its turn goes on without it. */
  exhausted: boolean
  /** It was a dead letter and tried again: its place in the order of acceptance is gone. */
  reopened: boolean
}

export interface Owed {
  readonly id: number
  readonly channel: string
  readonly conversation: string
  readonly text: string
  /** A line that the store adds, and with it the text is sent. */
  readonly adds: Reply['adds'] | null
  /** Messages that the same commit settled. */
  readonly settles: readonly number[]
  end: 'delivered' | 'dead' | null
  partsSent: number
  /** It was a dead letter and is owed again: it goes out when its turn comes again. */
  reopened: boolean
}

/** Whether this text is what was committed for it. */
export function isCommitted(reply: Owed, text: string): boolean {
  return reply.adds === null ? text === reply.text : text.startsWith(`${reply.text}\nUsed today: `)
}

/** Messages that wait for a turn; commands that are answered at once take no room. */
export function takesRoom({ message: { command } }: Written): boolean {
  return command === null || ['queue', 'steer', 'retry', 'compact'].includes(command.name)
}

/** Puts a value into the set of its key. */
export function keep<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const known = sets.get(key)
  if (known === undefined) sets.set(key, new Set([value]))
  else known.add(value)
}

/** An empty set is taken out: whoever walks all sets walks those that hold something. */
export function drop<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const known = sets.get(key)
  known?.delete(value)
  if (known?.size === 0) sets.delete(key)
}
