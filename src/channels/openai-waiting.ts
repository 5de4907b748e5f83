// OpenAI waiting: one question whose client waits: from what is committed and said in its conversation, what concerns it.
//   Q1. It is told once; what comes after that concerns nobody.
// A question is usually answered by the turn that it begins. One that was given to a run on its way is answered by that run, and so is
// the word that a run was waiting for: what the run says then is the answer to it.

import { INBOX_FULL } from '../../machines/commits.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Commit, Outcome, Reply, Settlement } from '../../machines/messages.ts'
import { refusedTextFor } from '../../machines/refusals.ts'
import { isTurnOf, turnIdOf } from '../../machines/steps.ts'

export interface Hearing {
  /** A piece of the answer. */
  delta(text: string): void
}

export type Answered =
  | { readonly kind: 'answered'; readonly text: string; readonly spent: Tokens; readonly isCut?: true }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The inbox was full: it was not kept. */
  | { readonly kind: 'full' }
  /** Somebody's word ended it. */
  | { readonly kind: 'stopped' }
  /** It broke its session again and again, and is set aside. */
  | { readonly kind: 'broken' }
  /** It is on disk, and is answered after the next start. */
  | { readonly kind: 'kept' }
  /** It was handled before, and its answer is not there any more. */
  | { readonly kind: 'past' }
  /** Its id is that of another question. */
  | { readonly kind: 'reused' }
  /** Nobody waits for it any more. */
  | { readonly kind: 'left' }

export interface Tokens {
  readonly inputTokens: number
  readonly outputTokens: number
}

interface Told {
  readonly replyTo: string | null
  readonly text: string
}

export interface WaitingParts {
  /** The platform's id of the message: what a reply points at. */
  readonly id: string
  readonly seq: number
  readonly hearing: Hearing
  /** It was asked before: the run may be in the middle of its answer, of which no piece is heard then, but the whole. */
  readonly isLate: boolean
}

export class Waiting {
  readonly ended: Promise<Answered>
  readonly #parts: WaitingParts
  readonly #end: (answered: Answered) => void
  /** The turn whose run speaks to it. */
  #turn: string
  /** What the reply points at that ends the wait. */
  #awaited: string
  /** Its word was taken, and the reply that says so is not the end. */
  #decided = false
  /** Questions of the run that are on their way here. */
  #questions = 0
  /** What it was told of the answer before its end. */
  #before: string[] = []
  /** Replies with the answer that are not it: what of its files could not be read. They come first, and are said behind it. */
  #noticesDue = 0
  #notices: string[] = []
  /** What it heard of the answer of a model that speaks now. */
  #heard = ''
  /** Something was said, and what is said next is a piece of its own. */
  #isApart = false
  #isCut = false
  #spent: Tokens = { inputTokens: 0, outputTokens: 0 }

  constructor(parts: WaitingParts) {
    const { promise, resolve } = Promise.withResolvers<Answered>()
    this.ended = promise
    this.#end = resolve
    this.#parts = parts
    this.#turn = turnIdOf(parts)
    this.#awaited = parts.id
  }

  isFor(seq: number): boolean {
    return seq === this.#parts.seq
  }

  end(answered: Answered): void {
    this.#end(answered)
  }

  hears(turn: string, text: string): void {
    if (turn !== this.#turn || this.#parts.isLate) return
    this.#heard += text
    this.#say(text)
  }

  /**
   * What was decided of its session, once it is on disk; the reply itself comes with its delivery. `undecided`: so many calls still
   * wait for somebody's word.
   */
  committed(commit: Commit, undecided: number): void {
    const { settled, entries, steps = [], replies } = commit
    const isOfTurn = [...entries, ...steps].some(({ turn }) => turn === this.#turn)
    if (isOfTurn) this.#count(commit)
    this.#isCut ||= isOfTurn && commit.isCut === true
    const own = settled.find(({ seq }) => seq === this.#parts.seq)
    const decision = steps.find(({ step }) => step.kind === 'decision')
    const end = own ?? settled.find(({ seq }) => isTurnOf(this.#turn, seq))
    if (own !== undefined && decision !== undefined) this.#follow(decision.turn, undecided)
    else if (end !== undefined) this.#settled(end, commit)
    else if (isOfTurn && steps.some(({ step }) => step.kind === 'answer')) this.#answerGoesOn(replies.length)
  }

  /** A reply of its conversation is delivered. */
  told({ replyTo, text }: Told): void {
    if (replyTo === null && this.#questions > 0) {
      this.#questions -= 1
      this.#tell(text)
      if (this.#questions === 0) this.#finish()
    } else if (this.#decided && replyTo === this.#parts.id) {
      this.#decided = false
      this.#tell(text)
    } else if (replyTo === this.#awaited && this.#noticesDue > 0) {
      this.#noticesDue -= 1
      this.#notices.push(text)
    } else if (replyTo === this.#awaited) {
      this.#before.push(text)
      this.#finish(text)
    }
  }

  /** Its word was taken. While others are waited for the run says nothing: the next one has to be asked for, and this one is answered. */
  #follow(turn: string, undecided: number): void {
    if (undecided > 0) return
    this.#turn = turn
    this.#decided = true
  }

  #settled({ outcome, reason }: Settlement, { replies, failure }: Commit): void {
    if (outcome !== 'answered') this.#end(unansweredAs(outcome, reason))
    else if (failure !== undefined) this.#end({ kind: 'failed', failure })
    else this.#awaitReplies(replies)
  }

  #awaitReplies(replies: readonly Reply[]): void {
    // Given to the run of another message, it is answered by what answers that one.
    if (!replies.some(({ replyTo }) => replyTo === this.#awaited)) this.#awaited = replies[0]?.replyTo ?? this.#awaited
    this.#noticesDue = Math.max(0, replies.filter(({ replyTo }) => replyTo === this.#awaited).length - 1)
  }

  /** The model asked for tools: what it says next is another piece. Some of them may be asked about. */
  #answerGoesOn(questions: number): void {
    this.#questions = questions
    this.#isApart ||= this.#heard !== ''
    this.#heard = ''
  }

  /** Words that no model speaks, as a piece of their own. */
  #tell(text: string): void {
    this.#before.push(text)
    this.#say(text)
    this.#isApart = true
  }

  #say(text: string): void {
    if (text === '') return
    this.#parts.hearing.delta(this.#isApart ? `${GAP}${text}` : text)
    this.#isApart = false
  }

  #finish(last = ''): void {
    // A command, or a run that was taken up after a crash, says nothing on its way.
    this.#say(last.startsWith(this.#heard) ? last.slice(this.#heard.length) : last)
    this.#isApart = true
    for (const notice of this.#notices) this.#tell(notice)
    const cut = this.#isCut ? { isCut: true as const } : {}
    this.#end({ kind: 'answered', text: this.#before.join(GAP), spent: this.#spent, ...cut })
  }

  #count({ usage = [] }: Commit): void {
    for (const { inputTokens, outputTokens } of usage) {
      this.#spent = {
        inputTokens: this.#spent.inputTokens + inputTokens,
        outputTokens: this.#spent.outputTokens + outputTokens,
      }
    }
  }
}

/** What whoever asked is told of an end without an answer, also by what is on record of it. */
export function unansweredAs(outcome: Exclude<Outcome, 'answered'>, reason: string | null): Answered {
  if (outcome === 'dead') return { kind: reason === INBOX_FULL ? 'full' : 'broken' }
  const message = refusedTextFor(reason)
  // Nobody says anything to whom somebody's word ended.
  if (message === null) return { kind: 'stopped' }
  return { kind: 'failed', failure: { kind: 'permanent', reason: 'refused', message } }
}

const GAP = '\n\n'
