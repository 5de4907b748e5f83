// Hooks: what an operator's programs are asked before a run begins, and told when it has ended.
//   S6. Nothing of a hook's answer is used after its turn was ended: the signal is asked each time.
//   S7. All that are asked before one run end by one deadline, well before the preparation's own.
//   They are told after the durable accept and before the run, at least once: a crash in between tells them again, with the same id.

import { FailureError, failureOf } from '../../machines/failure.ts'
import { answerable } from '../../machines/refusals.ts'
import type {
  AgentHookEvent,
  HookAnswer,
  HookDefinition,
  HookDocument,
  HookEvent,
  Refusal,
} from '../../machines/hooks.ts'
import { type Inbox, turnTexts, type TurnText } from '../../machines/inbox.ts'
import { HOOK_MS_MAX, PREPARED_MS_MAX } from '../../machines/limits.ts'
import type { Prepared } from '../../machines/session-context.ts'
import type { Ending } from './observe.ts'
import type { Parts } from './parts.ts'

export interface Hooks {
  /** Rejects with a FailureError when the hook failed, was too slow or said what it may not; with `cancelled` when it was ended. */
  run(call: HookCall, signal: AbortSignal): Promise<HookAnswer>
}

export interface HookCall {
  readonly hook: HookDefinition
  readonly document: HookDocument
  /** No longer than this, whatever the hook's own time is. */
  readonly withinMs: number
}

/** Whose turn it is. */
interface Turn {
  readonly key: string
  readonly channel: string
  readonly turnId: string
}

/** The turn as the hooks of its agent leave it. */
export async function hooked(parts: Parts, turn: Turn, { prepared, signal, beganMs }: BeforeRun): Promise<Prepared> {
  const messages = answerable(prepared)
  if (messages.length === 0 || Object.keys(prepared.definition.hooks).length === 0) return prepared
  const deadlineMs = Math.min(parts.world.nowMs() + HOOK_MS_MAX, beganMs + PREPARED_MS_MAX)
  const asking: Asking = { parts, turn, prepared, signal, deadlineMs }
  // A /retry of the first turn has no history before it, and begins no conversation.
  const isFirst = prepared.history.length === 0 && messages.every(({ task }) => task === 'answer')
  if (isFirst && prepared.steps.length === 0) await askAll(asking, 'session.start', { id: turn.turnId })
  const judged: Prepared = { ...prepared, ...(await messagesAsked(asking, messages)) }
  const left = answerable(judged)
  return left.length === 0 ? judged : runAsked(asking, judged, left)
}

interface BeforeRun {
  /** When the preparation began. */
  readonly beganMs: number
  readonly prepared: Prepared
  readonly signal: AbortSignal
}

interface Asking {
  readonly parts: Parts
  readonly turn: Turn
  readonly prepared: Prepared
  readonly signal: AbortSignal
  readonly deadlineMs: number
}

// --- events -----------------------------------------------------------------------------------------------------------

/** Each message by itself; one that the client sent in parts is one. */
async function messagesAsked(asking: Asking, messages: Inbox): Promise<Pick<Prepared, 'turn' | 'refused'>> {
  let { turn } = asking.prepared
  const refused: Refusal[] = []
  for (const each of turnTexts(messages)) {
    const { item, seqs, text } = each
    if (item.task !== 'answer') continue
    const answer = await askAll(asking, 'message.accepted', {
      id: String(item.message.seq),
      message: messageDocument(each),
    })
    if (answer.refuse !== undefined) refused.push({ seqs, reason: answer.refuse })
    else if (answer.text !== undefined && answer.text !== text) turn = withText(turn, seqs, answer.text)
  }
  return { turn, refused }
}

async function runAsked(asking: Asking, prepared: Prepared, left: Inbox): Promise<Prepared> {
  const messages = turnTexts(left).map(messageDocument)
  const answer = await askAll(asking, 'run.start', { id: asking.turn.turnId, messages })
  if (answer.refuse !== undefined) {
    const seqs = left.map(({ message }) => message.seq)
    return { ...prepared, refused: [...prepared.refused, { seqs, reason: answer.refuse }] }
  }
  const { definition } = prepared
  const instructions = [definition.instructions, answer.instructions ?? '']
    .filter((text) => text.trim() !== '')
    .join('\n\n')
  const last = left.findLast(({ task }) => task !== 'compact')
  const added = answer.text ?? ''
  const turn = prepared.turn.map((item) =>
    item === last && added !== ''
      ? { ...item, text: [item.text, added].filter((text) => text !== '').join('\n\n') }
      : item,
  )
  return { ...prepared, turn, definition: { ...definition, instructions } }
}

/** A message as a hook is told of it: `HookMessage` of tools/define-hook.ts. */
function messageDocument({ item, text }: TurnText) {
  const { seq, sender, kind, acceptedAtMs, attachments } = item.message
  // How a file is asked for is the platform's business, and no hook's.
  const files = attachments.map(({ reference: _, mediaType, ...file }) => ({ ...file, media_type: mediaType }))
  return { id: seq, text, sender, kind, attachments: files, accepted_at: new Date(acceptedAtMs).toISOString() }
}

/** The first part has all of it. */
function withText(turn: Inbox, [first, ...others]: readonly number[], text: string): Inbox {
  return turn.map((item) => {
    if (item.message.seq === first) return { ...item, text }
    return others.includes(item.message.seq) ? { ...item, text: '' } : item
  })
}

// --- asking -----------------------------------------------------------------------------------------------------------

/** What a hook is asked about. */
interface Subject {
  readonly id: string
  readonly [part: string]: unknown
}

/** One after the other: each sees what those before it made of it, and the first refusal is the last word. */
async function askAll(asking: Asking, event: AgentHookEvent, first: Subject): Promise<HookAnswer> {
  const { parts, turn, prepared, signal } = asking
  let subject = first
  let all: HookAnswer = {}
  for (const hook of prepared.definition.hooks[event] ?? []) {
    const answer = await ask(asking, {
      hook,
      document: documentOf({ event, turn, agent: prepared.definition.id }, subject),
    })
    signal.throwIfAborted()
    if (answer.refuse !== undefined) {
      parts.log.info(
        { session: turn.key, turn: turn.turnId, hook: hook.path, event },
        `a hook refused: ${answer.refuse}`,
      )
      return answer
    }
    all = merged(event, all, answer)
    const { message } = subject
    if (event === 'message.accepted' && all.text !== undefined)
      subject = { ...subject, message: { ...Object(message), text: all.text } }
  }
  return all
}

function merged(event: AgentHookEvent, before: HookAnswer, next: HookAnswer): HookAnswer {
  if (event === 'message.accepted') return { ...before, ...next }
  const joined = (key: 'text' | 'instructions') =>
    [before[key], next[key]].filter((text) => text !== undefined).join('\n\n')
  return { text: joined('text'), instructions: joined('instructions') }
}

/** A hook that fails is as if it were not there, unless the file says that it refuses then. */
async function ask(
  { parts, turn, prepared, signal, deadlineMs }: Asking,
  call: Omit<HookCall, 'withinMs'>,
): Promise<HookAnswer> {
  const { hook, document } = call
  const { event } = document
  const end = parts.observe.begin({ kind: 'hook', event, session: turn.key, agent: prepared.definition.id })
  const ended = (ending: Ending, answer: HookAnswer): HookAnswer => {
    end(ending)
    return answer
  }
  try {
    const withinMs = deadlineMs - parts.world.nowMs()
    if (withinMs <= 0) throw new FailureError(NO_TIME)
    return ended('done', await parts.hooks.run({ ...call, withinMs }, signal))
  } catch (error) {
    if (signal.aborted) {
      end('stopped')
      throw error
    }
    const next = hook.onFailure === 'refuse' ? 'what it was asked about is refused' : 'it is passed over'
    const fields = { session: turn.key, turn: turn.turnId, hook: hook.path, event, err: error }
    parts.log.warn(fields, `a hook failed, and ${next}: ${failureOf(error).message}`)
    return ended('failed', hook.onFailure === 'refuse' ? { refuse: FAILED } : {})
  }
}

/** Tells a hook what nobody waits for an answer to; what cannot be told is in the log. */
export function tellHook(
  parts: Pick<Parts, 'hooks' | 'observe' | 'log'>,
  { hook, document }: Omit<HookCall, 'withinMs'>,
): void {
  const { event, session = '', agent = '' } = document
  const end = parts.observe.begin({ kind: 'hook', event, session, agent })
  parts.hooks.run({ hook, document, withinMs: HOOK_MS_MAX }, NEVER).then(
    () => end('done'),
    (error: unknown) => {
      end('failed')
      parts.log.warn(
        { hook: hook.path, event, id: document.id, err: error },
        `a hook failed: ${failureOf(error).message}`,
      )
    },
  )
}

const NEVER = new AbortController().signal

interface About {
  readonly event: HookEvent
  readonly turn: Turn
  readonly agent: string
}

export function documentOf({ event, turn, agent }: About, { id, ...what }: Subject): HookDocument {
  const { key, channel, turnId } = turn
  const within = event === 'message.accepted' ? '' : `${key}:`
  return { event, id: `${event}:${within}${id}`, agent, channel, session: key, turn: turnId, ...what }
}

const FAILED = 'it could not be checked; try again later'

const NO_TIME = {
  kind: 'retryable',
  reason: 'timeout',
  message: `there was no time left for it: all hooks before a run have ${HOOK_MS_MAX / 1_000} seconds`,
} as const
