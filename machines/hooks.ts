// Hooks: what an operator's own programs are told of, and what they may answer. Pure.
//   A hook that fails or is slow takes nothing with it: what it was told of goes on as if it had not been there, unless the file says
//   that it is refused then.
//   What a hook answers is held against what it may say about that event; what is more or wrong is its failure.

import { TEXT_UNITS_MAX } from './limits.ts'

/** Of an agent's turns. */
export const AGENT_HOOK_EVENTS = ['session.start', 'message.accepted', 'run.start', 'run.end'] as const

/** Of the gateway alone. */
export const GATEWAY_HOOK_EVENTS = ['gateway.start', 'dead_letter'] as const

export const HOOK_EVENTS = [...GATEWAY_HOOK_EVENTS, ...AGENT_HOOK_EVENTS] as const

export type HookEvent = (typeof HOOK_EVENTS)[number]
export type AgentHookEvent = (typeof AGENT_HOOK_EVENTS)[number]
export type GatewayHookEvent = (typeof GATEWAY_HOOK_EVENTS)[number]

export interface HookDefinition {
  readonly kind: 'executable' | 'module'
  /** Absolute; or an executable's name in PATH. */
  readonly path: string
  readonly timeoutMs: number
  /** What becomes of what it was told of when it fails; only what may be refused is. */
  readonly onFailure: 'go_on' | 'refuse'
}

/** In the order in which they are asked. */
export type HooksOf<Event extends HookEvent> = Readonly<Partial<Record<Event, readonly HookDefinition[]>>>

/** What a hook is told: JSON. */
export interface HookDocument {
  readonly event: HookEvent
  /** The same whenever the same thing is told again, as after a crash. */
  readonly id: string
  readonly agent?: string
  readonly session?: string
  readonly [part: string]: unknown
}

/** What a hook may answer; which of it, hangs on the event. */
export interface HookAnswer {
  /** `message.accepted`: instead of its text. `run.start`: added behind the text of the turn. */
  readonly text?: string
  /** `run.start`: added to the agent's instructions, for this run. */
  readonly instructions?: string
  /** Why it goes no further; the sender is told. */
  readonly refuse?: string
}

/** A message, or the messages of a turn, that a hook refused. */
export interface Refusal {
  readonly seqs: readonly number[]
  readonly reason: string
}

const ANSWERS: Readonly<Record<HookEvent, readonly (keyof HookAnswer)[]>> = {
  'gateway.start': [],
  dead_letter: [],
  'session.start': [],
  'message.accepted': ['text', 'refuse'],
  'run.start': ['text', 'instructions', 'refuse'],
  'run.end': [],
}

/** Whether a hook can refuse what it is told of. */
export function mayRefuse(event: HookEvent): boolean {
  return ANSWERS[event].includes('refuse')
}

/** What a hook said, held against what it may say; a mistake in words when it is something else. */
export function hookAnswer(event: HookEvent, said: unknown): HookAnswer | { readonly mistake: string } {
  const may = ANSWERS[event]
  if (said === null || said === undefined) return {}
  if (typeof said !== 'object' || Array.isArray(said))
    return { mistake: 'it answered with something that is no object' }
  const entries = Object.entries(said).filter(([, value]) => value !== undefined)
  const unknown = entries.find(([key]) => !may.some((known) => known === key))
  if (unknown !== undefined) {
    const known = may.length === 0 ? 'nothing is answered to this event' : `known: ${may.join(', ')}`
    return { mistake: `it answered with ${JSON.stringify(unknown[0].slice(0, KEY_UNITS_MAX))}: ${known}` }
  }
  const wrong = entries.find(([, value]) => typeof value !== 'string' || value.length > TEXT_UNITS_MAX)
  if (wrong !== undefined) return { mistake: `its ${wrong[0]} is no text, or too long a one` }
  const { refuse, ...rest } = Object.fromEntries(entries) as HookAnswer // Looked at, key by key.
  return refuse === undefined ? rest : { refuse: refusalReason(refuse) }
}

/** As a person is told it: a few words on one line. */
function refusalReason(said: string): string {
  const line = said.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line === '' ? 'no reason was given' : line.slice(0, REASON_UNITS_MAX).toWellFormed()
}

const KEY_UNITS_MAX = 40
const REASON_UNITS_MAX = 500
