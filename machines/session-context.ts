// Session context: what a session holds, and what is made of it for a run. Pure.

import type { RunOutcome, Speaker } from './commits.ts'
import { answerable } from './refusals.ts'
import type { AgentDefinition } from './definitions.ts'
import { assert } from './failure.ts'
import { SUMMARISE } from './history.ts'
import type { Refusal } from './hooks.ts'
import { type Inbox, itemOf, offer, takeSteering, turnTexts } from './inbox.ts'
import type { AcceptedMessage, TranscriptEntry } from './messages.ts'
import type { SessionSettings } from './session-settings.ts'
import { isOneOff } from './openai.ts'
import type { RunInput } from './run-words.ts'
import type { Steering, Step } from './steps.ts'

export interface SessionInput extends SessionSettings {
  readonly key: string
  readonly channel: string
  readonly conversation: string
}

export interface SessionContext extends SessionInput, Speaker {
  readonly waiting: Inbox
  readonly turn: Inbox
  readonly turnId: string
  readonly history: readonly TranscriptEntry[]
  /** What an earlier activation did for this turn. */
  readonly steps: readonly Step[]
  readonly preparedAtMs: number
  /** Messages of the turn that broke the session too often. */
  readonly exhausted: readonly number[]
  readonly outcome: RunOutcome
  readonly commitFailures: number
  readonly draining: boolean
  /** Number of the last message in this session's line: see placement.ts. */
  readonly routed: number
  /** The last few commands that were answered: the same one again changes nothing. */
  readonly answered: readonly number[]
}

/** What preparation gives back. */
export interface Prepared {
  readonly history: readonly TranscriptEntry[]
  readonly exhausted: readonly number[]
  readonly refused: readonly Refusal[]
  /** The turn with its final texts. */
  readonly turn: Inbox
  readonly steps: readonly Step[]
  /** What those steps say that the run was given, and what has no end yet: the rest had a turn of its own since. */
  readonly given: readonly Steering[]
  readonly definition: AgentDefinition
  readonly preparedAtMs: number
  /** What came with the turn and could not be read, for whoever sent it. */
  readonly notices: readonly string[]
}

export function initialContext(input: SessionInput): SessionContext {
  return {
    ...input,
    waiting: [],
    turn: [],
    turnId: '',
    ...NOTHING_PREPARED,
    commitFailures: 0,
    draining: false,
    routed: 0,
    answered: [],
  }
}

export function runInput(context: SessionContext): RunInput {
  const { definition } = context
  assert(definition !== null, 'a run begins with the definition that its preparation read')
  const toAnswer = answerable(context)
  const compacts = toAnswer.some((item) => item.task === 'compact')
  return {
    definition: compacts ? { ...definition, tools: [] } : definition,
    channel: context.channel,
    conversation: context.conversation,
    session: context.key,
    turn: context.turnId,
    history: context.history,
    seqs: toAnswer.map((item) => item.message.seq),
    messages: turnTexts(toAnswer).map(({ item, text, shown }) => ({
      text: item.task === 'compact' ? SUMMARISE : text,
      ...(shown.length === 0 ? {} : { shown }),
      sender: item.message.sender,
      kind: item.message.kind,
    })),
    steps: context.steps,
    // A /compact is itself the summary; a /retry goes back behind the newest turn, and a summary would stand after it.
    mayCompact: toAnswer.every((item) => item.task === 'answer'),
    nowMs: context.preparedAtMs,
    // Who asks once has no second message to decide with.
    draining: context.draining || isOneOff(context.key),
  }
}

/** Whose turn it is: of the message that was accepted last. A newer file may name another agent to what comes behind it. */
export function turnAgent({ turn, agent }: Pick<SessionContext, 'turn' | 'agent'>): string {
  const last = turn.toSorted((a, b) => a.message.seq - b.message.seq).at(-1)
  return last?.message.agent ?? agent
}

export function offerOf(context: SessionContext, message: AcceptedMessage): ReturnType<typeof offer> | null {
  const item = itemOf(message, context.busyMode)
  // What was kept before a restart is not dropped after it: the turn that was at work stands in the inbox again, too.
  const limit = message.again === undefined ? context.queueLimit : Number.POSITIVE_INFINITY
  const claimed = context.turn.length === 0
  return item === null ? null : offer(context.waiting, item, { limit, claimed })
}

/** Nothing is given to a run that a hook is to see first: it waits for a turn of its own. */
export function steeringOf({ waiting, definition }: SessionContext): ReturnType<typeof takeSteering> {
  const isAsked = (definition?.hooks['message.accepted'] ?? []).length > 0
  return isAsked ? { given: [], inbox: waiting } : takeSteering(waiting)
}

export function withoutTurn(context: SessionContext): SessionContext {
  return { ...context, turn: [], turnId: '', given: [] }
}

const NO_OUTCOME: RunOutcome = {
  kind: 'failed',
  failure: { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' },
}

/** What a turn has before it is prepared. */
export const NOTHING_PREPARED = {
  history: [],
  exhausted: [],
  refused: [],
  outcome: NO_OUTCOME,
  definition: null,
  steps: [],
  preparedAtMs: 0,
  notices: [],
  given: [],
  approvals: [],
} as const
