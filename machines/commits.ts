// Commits: what a session's decisions leave in history, inbox and outbox. Pure: each function makes one transaction's content.
//   S3. A reply is committed before it is sent: whatever a person is told leaves through `replies` here.
//   S4. Every accepted message is settled exactly once: answered, discarded on the sender's word, or dead letter.

import { type Approval, reminderText } from './approval.ts'
import type { AgentDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'
import type { Refusal } from './hooks.ts'
import { answerable, itemsOf, refusedReason, refusedText } from './refusals.ts'
import { type Inbox, turnsWaiting } from './inbox.ts'
import type {
  AcceptedMessage,
  Commit,
  NewTranscriptEntry,
  Outcome,
  Reply,
  SessionState,
  Settlement,
} from './messages.ts'
import { isOfFile } from './openai.ts'
import type { Steering } from './steps.ts'
import { cancelledEntries, outcomeText, turnEntries } from './turn-entries.ts'
import { accountOf, type Credit, usageEntries } from './usage.ts'

/** How a run ended; with who gave its last answer, and what that took. Earlier answers are in the commits of their steps. */
export type RunOutcome = Partial<Credit> &
  (
    | { readonly kind: 'answered'; readonly text: string; readonly isCut?: true }
    | { readonly kind: 'failed'; readonly failure: Failure }
  )

/** What these functions need to know of a session. */
export interface Speaker {
  readonly key: string
  readonly channel: string
  readonly conversation: string
  readonly agent: string
  readonly model: string
  readonly waiting: Inbox
  /** The turn that is being prepared or run; empty otherwise. */
  readonly turn: Inbox
  readonly turnId: string
  /** What the run of the turn was given on its way. */
  readonly given: readonly Steering[]
  /** What the run waits for somebody's word about. */
  readonly approvals: readonly Approval[]
  /** The definition that the turn's run begins and ends with; null until it is prepared. */
  readonly definition: AgentDefinition | null
  /** When the turn was prepared; 0: it was not. */
  readonly preparedAtMs: number
  /** What came with the turn and could not be read, for whoever sent it. */
  readonly notices: readonly string[]
  /** Whether as much of a cancelled answer as people had seen stays in the history. */
  readonly keepsPartial: boolean
  /** Messages of the turn that a hook refused. */
  readonly refused: readonly Refusal[]
}

/** The end of a run: its messages answered, or told in plain words why not. */
export function turnCommit(speaker: Speaker, outcome: RunOutcome, exhausted: readonly number[]): Commit {
  const dead = speaker.turn.filter((item) => exhausted.includes(item.message.seq))
  const toAnswer = answerable({ ...speaker, exhausted })
  const replies = dead.length === 0 ? [] : [reply(speaker, dead, brokenText())]
  for (const refusal of speaker.refused)
    replies.push(reply(speaker, itemsOf(speaker.turn, refusal), refusedText(refusal)))
  if (toAnswer.length > 0 && speaker.notices.length > 0)
    replies.push(reply(speaker, toAnswer, speaker.notices.join('\n')))
  if (toAnswer.length > 0) replies.push(reply(speaker, toAnswer, replyText(toAnswer, outcome)))
  return {
    ...base(speaker),
    settled: [
      ...settle(toAnswer, 'answered', null),
      ...settle(dead, 'dead', 'it broke its session'),
      ...speaker.refused.flatMap((refusal) =>
        settle(itemsOf(speaker.turn, refusal), 'discarded', refusedReason(refusal)),
      ),
      ...settleGiven(speaker, 'answered', null),
    ],
    entries: toAnswer.length === 0 ? [] : turnEntries(speaker, toAnswer, outcome),
    replies,
    ...usageOfTurn(speaker, toAnswer),
    endsRun: true,
    ...(outcome.kind === 'failed' && toAnswer.length > 0 ? { failure: outcome.failure } : {}),
    ...(outcome.kind === 'answered' && outcome.isCut ? { isCut: true } : {}),
  }
}

/** A turn that was not prepared began no run. */
function usageOfTurn({ definition, channel, preparedAtMs: atMs }: Speaker, toAnswer: Inbox) {
  const [first] = toAnswer
  if (first === undefined || definition === null) return {}
  const account = accountOf({ agent: definition.id, channel, sender: first.message.sender, atMs })
  return { usage: usageEntries(account, 1, []) }
}

/** An interrupt: the running turn ends without an answer; what was said stays in the history. */
export function interruptCommit(speaker: Speaker): Commit {
  return {
    ...base(speaker),
    settled: [...settle(speaker.turn, 'discarded', 'interrupted'), ...settleGiven(speaker, 'discarded', 'interrupted')],
    entries: cancelledEntries(speaker),
    replies: [],
    endsRun: true,
    keepsPartial: speaker.keepsPartial,
  }
}

/** A message whose sender is gone: its run ends without an answer, or it is taken out of what waits. */
export function withdrawCommit(speaker: Speaker, seq: number): Commit {
  const isTurn = speaker.turn.some(({ message }) => message.seq === seq)
  if (isTurn) return { ...interruptCommit(speaker), settled: settle(speaker.turn, 'discarded', WITHDRAWN) }
  return { ...base(speaker), settled: [{ seq, outcome: 'discarded', reason: WITHDRAWN }], entries: [], replies: [] }
}

const WITHDRAWN = 'its client went away'

/** `/stop`: the run is over, what waited is discarded and counted. */
export function stopCommit(speaker: Speaker, command: AcceptedMessage, during: SessionState): Commit {
  if (during === 'idle') return answerCommit(speaker, command, 'There is nothing to stop.')
  return withStop(speaker, command, `Stopped.${droppedText(speaker)}`)
}

function droppedText({ waiting }: Speaker): string {
  const count = turnsWaiting(waiting)
  return count === 0 ? '' : ` ${count} waiting ${count === 1 ? 'message was' : 'messages were'} discarded.`
}

/** `/new`: as `/stop`, and the history begins anew. */
export function newCommit(speaker: Speaker, command: AcceptedMessage): Commit {
  const stopped = withStop(
    speaker,
    command,
    `Started over: this session’s history is empty now.${droppedText(speaker)}`,
  )
  const reset: NewTranscriptEntry = { role: 'reset', turn: speaker.turnId, text: '', sender: null }
  return { ...stopped, entries: [...stopped.entries, reset] }
}

/** `/undo`: one of the two is written, by whether the history has a turn. */
export interface UndoCommits {
  readonly done: Commit
  readonly nothing: Commit
}

export function undoCommits(speaker: Speaker, command: AcceptedMessage): UndoCommits {
  const entry: NewTranscriptEntry = { role: 'undo', turn: speaker.turnId, text: '', sender: null }
  return {
    done: { ...answerCommit(speaker, command, 'The last turn is out of the history.'), entries: [entry] },
    nothing: answerCommit(speaker, command, 'There is no turn to take out.'),
  }
}

/** Why a message is a dead letter that the inbox had no room for. */
export const INBOX_FULL = 'the inbox was full'

/** A message that the inbox had no room for: refused aloud, kept as a dead letter. */
export function refuseCommit(speaker: Speaker, message: AcceptedMessage): Commit {
  const count = turnsWaiting(speaker.waiting)
  const text = `Your message was not kept: with ${count} waiting there is no room. Send it again later, or /stop to drop what waits.`
  return {
    ...base(speaker),
    settled: [{ seq: message.seq, outcome: 'dead', reason: INBOX_FULL }],
    entries: [],
    replies: [replyTo(speaker, message, text)],
  }
}

/** A message of a session that was given up: set aside, and its sender told. */
export function abandonCommit(message: AcceptedMessage): Commit {
  return {
    channel: message.channel,
    sessionKey: message.sessionKey,
    settled: [{ seq: message.seq, outcome: 'dead', reason: 'its session could not be restarted' }],
    entries: [],
    replies: [{ conversation: message.conversation, text: brokenText(), replyTo: null }],
    endsRun: true,
  }
}

/** An answer that needs no run. */
export function answerCommit(speaker: Speaker, command: AcceptedMessage, text: string): Commit {
  const tellsUsage = command.command?.name === 'status'
  return {
    ...base(speaker),
    settled: [{ seq: command.seq, outcome: 'answered', reason: null }],
    entries: [],
    replies: [{ ...replyTo(speaker, command, text), ...(tellsUsage ? { adds: 'usage' } : {}) }],
  }
}

/** `/approve` or `/deny`: the answer to the person, and the decision, in one transaction. */
export function decisionCommit(
  speaker: Speaker,
  command: AcceptedMessage,
  { call, approved, text }: { call: string; approved: boolean; text: string },
): Commit {
  const step = { kind: 'decision', call, approved, by: command.sender.id } as const
  return { ...answerCommit(speaker, command, text), steps: [{ turn: speaker.turnId, step }] }
}

/** Ordinary text while an approval waits: it is kept, and its sender reminded. */
export function reminderCommit(speaker: Speaker, message: AcceptedMessage): Commit {
  const replies = [replyTo(speaker, message, reminderText(speaker.approvals))]
  return { ...base(speaker), settled: [], entries: [], replies }
}

/** A message that arrived twice in one activation changes nothing. */
export function isKnown(speaker: Speaker, seq: number): boolean {
  return (
    [...speaker.turn, ...speaker.waiting].some((item) => item.message.seq === seq) ||
    speaker.given.some(({ seqs }) => seqs.includes(seq))
  )
}

function withStop(speaker: Speaker, command: AcceptedMessage, text: string): Commit {
  const answer = answerCommit(speaker, command, text)
  return {
    ...answer,
    settled: [
      ...settle(speaker.turn, 'discarded', 'stopped'),
      ...settleGiven(speaker, 'discarded', 'stopped'),
      ...settle(speaker.waiting, 'discarded', 'stopped'),
      ...answer.settled,
    ],
    entries: cancelledEntries(speaker),
    endsRun: true,
    keepsPartial: speaker.keepsPartial,
  }
}

function replyText(toAnswer: Inbox, outcome: RunOutcome): string {
  const compacted = outcome.kind === 'answered' && toAnswer.some((item) => item.task === 'compact')
  return compacted ? `The history is summarised now:\n\n${outcome.text}` : outcomeText(outcome)
}

function brokenText(): string {
  return 'I gave up on your message: it failed again and again. It was set aside for the operator.'
}

function settle(items: Inbox, outcome: Outcome, reason: string | null): Settlement[] {
  return items.map((item) => ({ seq: item.message.seq, outcome, reason }))
}

function settleGiven(speaker: Speaker, outcome: Outcome, reason: string | null): Settlement[] {
  return speaker.given.flatMap(({ seqs }) => seqs.map((seq) => ({ seq, outcome, reason })))
}

function reply(speaker: Speaker, items: Inbox, text: string): Reply {
  const last = items.at(-1)
  return last === undefined
    ? { conversation: speaker.conversation, text, replyTo: null }
    : replyTo(speaker, last.message, text)
}

/** In a group several people speak, and a client of the OpenAI API waits for its own: the answer points at what it answers. */
function replyTo({ channel, conversation }: Speaker, message: AcceptedMessage, text: string): Reply {
  const points = message.kind === 'group' || !isOfFile(channel)
  return { conversation, text, replyTo: points ? message.platformMessageId : null }
}

function base(speaker: Speaker): Pick<Commit, 'channel' | 'sessionKey'> {
  return { channel: speaker.channel, sessionKey: speaker.key }
}
