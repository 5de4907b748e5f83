// Children: what a partition remembers of each session and delivery that it supervises. Pure functions over plain data.

import type { AcceptedMessage } from './messages.ts'
import type { SessionSettings } from './session-settings.ts'

export type Children = Readonly<Record<string, Child>>

export interface Child {
  /** Number of the last message that was routed to it. */
  readonly routed: number
  /** Sequence number of the last message that reached the session alive: up to it a message had its place in the inbox. */
  readonly reached: number
  /** Sweeps since it came to rest; null while it is at work. */
  readonly sweeps: number | null
  /** Failures since it last rested. */
  readonly failures: number
  /** `waiting` for its backoff; `recovering`: its messages are being read from the store. */
  readonly life: 'alive' | 'waiting' | 'recovering'
  /** Messages that came while its others were being read: a read takes milliseconds, and bounds them. */
  readonly held: readonly AcceptedMessage[]
  /** What a session was told last; null for a delivery. */
  readonly settings: SessionSettings | null
  /** It failed too often: what reached it is set aside, and what did not begins a session of its own. */
  readonly givenUp: boolean
}

/** What the channel is told of a child that is gone. */
export function stopped(id: string, child: Child) {
  return { type: 'child.stopped', child: id, routed: child.routed } as const
}

export function withChild(children: Children, id: string, child: Child): Children {
  return { ...children, [id]: child }
}

export function withoutChildren(children: Children, ids: readonly string[]): Children {
  const left: Record<string, Child> = { ...children }
  for (const id of ids) delete left[id]
  return left
}

export function routedTo(child: Child | undefined, routed: number, message: AcceptedMessage | null): Child {
  const seq = message?.seq ?? 0
  if (child === undefined) {
    const alive = { sweeps: null, failures: 0, life: 'alive', held: [], settings: null, givenUp: false } as const
    return { routed, reached: seq, ...alive }
  }
  // While it waits for its backoff the store keeps its messages: they are read when it is due.
  const held = child.life === 'recovering' && message !== null ? [...child.held, message] : child.held
  const reached = child.life === 'alive' ? Math.max(child.reached, seq) : child.reached
  return { ...child, routed, reached, sweeps: null, held }
}

export function inOrder(messages: readonly AcceptedMessage[]): AcceptedMessage[] {
  const bySeq = new Map(messages.map((message) => [message.seq, message]))
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq)
}
