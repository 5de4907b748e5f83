// Prepare: what a turn needs before its run: a try counted for each message, the history, the definition that the run begins and ends
// with, what /retry asks again; whether the conversation begins anew, and whether there is anything left of the day's budget.
// Files that came with it are read by media.ts, the operator's hooks are asked by hooks.ts.
//   S6. Nothing is written after its end: the signal is asked right before.

import { budgetFailure, usageUnder } from '../../machines/budget.ts'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { Inbox } from '../../machines/inbox.ts'
import type { ShownFile } from '../../machines/media.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import { answerable } from '../../machines/refusals.ts'
import { resetDue, resetText } from '../../machines/reset.ts'
import type { Prepared } from '../../machines/session-context.ts'
import { type Steering, steeringIn, type Step } from '../../machines/steps.ts'
import { accountOf } from '../../machines/usage.ts'
import type { Begun } from '../store/store.ts'
import { hooked } from './hooks.ts'
import { readMedia } from './media.ts'
import { agentFor, type Parts, type Stage, wakeDeliveries } from './parts.ts'

interface Preparing {
  readonly key: string
  readonly channel: string
  readonly turnId: string
  readonly turn: Inbox
  readonly agent: string
}

export async function prepare(
  parts: Parts,
  { key, channel, turnId, turn, agent }: Preparing,
  stage: Stage,
): Promise<Prepared> {
  const beganMs = parts.world.nowMs()
  const seqs = turn.map((item) => item.message.seq)
  const begun = await parts.store.begin(key, turnId, seqs)
  const definition = agentFor(parts, channel, agent)
  if (definition === undefined) throw new FailureError(goneAgent(agent))
  const isNew = begun.steps.length === 0
  const history = isNew && (await startedOver(parts, { key, turnId, turn, begun }, stage)) ? [] : begun.history
  if (isNew) await requireBudget(parts, { key, turn, definition })
  if (turn.some((item) => item.task === 'compact') && history.length === 0) throw new FailureError(NOTHING_TO_COMPACT)
  const toAnswer = answerable({ turn, exhausted: begun.exhausted, refused: [] })
  const read = await readMedia(parts, { key, channel, turnId, turn: toAnswer, definition }, stage.signal)
  if (read.failure !== null) throw new FailureError(read.failure)
  const prepared: Prepared = {
    ...begun,
    history,
    turn: turn.map((item) => read.turn.find(({ message }) => message.seq === item.message.seq) ?? item),
    given: await givenSince(parts, key, begun.steps),
    definition,
    notices: read.notices,
    refused: [],
    preparedAtMs: parts.world.nowMs(),
  }
  const retried = turn.some((item) => item.task === 'retry') ? askedAgain(prepared) : prepared
  return hooked(parts, { key, channel, turnId }, { prepared: retried, signal: stage.signal, beganMs })
}

/** The last turn of the history is asked once more, as if there had been no answer to it. */
function askedAgain(prepared: Prepared): Prepared {
  const { history, turn } = prepared
  const last = lastTurn(history)
  if (last === null) throw new FailureError(NOTHING_TO_RETRY)
  return {
    ...prepared,
    history: last.before,
    turn: turn.map((item) => (item.task === 'retry' ? { ...item, text: last.text, shown: last.shown } : item)),
  }
}

/** When a turn was given up, what its run was given goes on by itself; and the turn may be tried again later as a dead letter. */
async function givenSince({ store }: Parts, key: string, steps: readonly Step[]): Promise<readonly Steering[]> {
  const given = steeringIn(steps)
  if (given.length === 0) return []
  const unfinished = new Set((await store.unfinishedOf(key)).map(({ seq }) => seq))
  const unanswered = given.map((steering) => ({
    ...steering,
    seqs: steering.seqs.filter((seq) => unfinished.has(seq)),
  }))
  return unanswered.filter(({ seqs }) => seqs.length > 0)
}

interface Arriving {
  readonly key: string
  readonly turnId: string
  readonly turn: Inbox
  readonly begun: Begun
}

/**
 * Begins the conversation anew when its channel's policy says so, and tells the person, in one commit before the run. A crash behind
 * it finds no history, and does not tell it again. Commands about the last turn mean the old conversation, and leave it.
 */
async function startedOver(
  parts: Parts,
  { key: sessionKey, turnId, turn, begun }: Arriving,
  { signal, system }: Stage,
): Promise<boolean> {
  const toAnswer = answerable({ turn, exhausted: begun.exhausted, refused: [] })
  const [first] = toAnswer
  const last = begun.history.at(-1)
  if (first === undefined || last === undefined || toAnswer.some(({ task }) => task !== 'answer')) return false
  const { channel, conversation, acceptedAtMs } = first.message
  const policy = parts.definition.channels[channel]?.reset ?? null
  const due = policy === null ? null : resetDue(policy, last.atMs, acceptedAtMs)
  if (policy === null || due === null) return false
  signal.throwIfAborted()
  const entries = [{ role: 'reset', turn: turnId, text: '', sender: null }] as const
  const replies = [{ conversation, text: resetText(policy, due), replyTo: null }]
  const content = { channel, sessionKey, settled: [], entries, replies }
  await parts.store.commit(content)
  wakeDeliveries(content, system)
  return true
}

interface Asking {
  readonly key: string
  readonly turn: Inbox
  readonly definition: AgentDefinition
}

/** A turn that began under the budget is finished: it is asked only before the first step. */
async function requireBudget({ store, world }: Parts, { key, turn, definition }: Asking): Promise<void> {
  const { budget, id: agent } = definition
  const [first] = turn
  if (budget === null || first === undefined) return
  const { channel, sender } = first.message
  const account = accountOf({ agent, channel, sender, atMs: world.nowMs() })
  const used = await store.usageOn(account.day, usageUnder(budget, account, key))
  const failure = budgetFailure(budget, used, world.nowMs())
  if (failure !== null) throw new FailureError(failure)
}

interface LastTurn {
  readonly text: string
  readonly shown: readonly ShownFile[]
  readonly before: TranscriptEntry[]
}

/** The last turn of a history: what was asked in it, and what came before it. */
function lastTurn(history: readonly TranscriptEntry[]): LastTurn | null {
  const last = history.findLast((entry) => entry.role === 'user')
  if (last === undefined) return null
  const asked = history.filter((entry) => entry.turn === last.turn && entry.role === 'user')
  return {
    text: asked.map((entry) => entry.text).join('\n'),
    shown: asked.flatMap(({ shown = [] }) => shown),
    // A summary that was made for the turn stands for what came before it.
    before: history.filter((entry) => entry.turn !== last.turn || entry.role === 'summary'),
  }
}

const NOTHING_TO_RETRY = {
  kind: 'permanent',
  reason: 'notFound',
  message: 'there is no earlier message to answer again',
} as const

const NOTHING_TO_COMPACT = {
  kind: 'permanent',
  reason: 'notFound',
  message: 'there is nothing to summarise',
} as const

function goneAgent(agent: string) {
  return {
    kind: 'permanent',
    reason: 'missing',
    message: `the agent ${agent} is not in the configuration any more`,
  } as const
}
