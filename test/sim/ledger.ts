// Ledger: a second, plain record of everything that took effect on disk, and the promises that can be checked against it alone.
// It is told of effects at the store's door and knows nothing of the code behind it.
//   S3, S4, S6, D1, D2, S26, S45 as the people outside could check them.

import type { Commit, NewTranscriptEntry, Settlement } from '../../machines/messages.ts'
import type { Begun, NewMessage, RetriedDeadLetter } from '../../src/store/store.ts'
import type { Effect } from './disk.ts'
import { historyOf } from './history.ts'
import { drop, keep, type Owed, takesRoom, type Written } from './records.ts'
import type { TurnRules } from './step-checks.ts'
import { Turns } from './turns.ts'
import type { Verdict } from './violation.ts'

export interface LedgerRules extends TurnRules {
  /** The smallest room that a session may have. */
  readonly queueLimitOf: (channel: string) => number
  readonly interruptsIn: (channel: string) => boolean
  /** Called when a commit settles, so that the model can say whose answers may never be seen. */
  readonly onCommit: (commit: Commit) => void
}

export class Ledger {
  readonly messages = new Map<number, Written>()
  readonly replies = new Map<number, Owed>()
  readonly entries = new Map<string, NewTranscriptEntry[]>()
  /** Dead letters by their ids; taken out when they are retried. */
  readonly letters = new Map<number, Written | Owed>()
  readonly turns: Turns
  #letterIds = 0
  readonly #byPlatformId = new Map<string, number>()
  readonly #unsettled = new Map<string, Set<Written>>()
  readonly #owedOf = new Map<string, Set<Owed>>()
  readonly #verdict: Verdict
  readonly #rules: LedgerRules

  constructor(verdict: Verdict, rules: LedgerRules) {
    this.#verdict = verdict
    this.#rules = rules
    this.turns = new Turns(verdict, { ...rules, messages: this.messages })
  }

  seqOf(channel: string, conversation: string, platformMessageId: string): number | undefined {
    return this.#byPlatformId.get(`${channel} ${conversation} ${platformMessageId}`)
  }

  unsettledOf(sessionKey: string): readonly Written[] {
    return [...(this.#unsettled.get(sessionKey) ?? [])]
  }

  *unsettled(): Generator<Written> {
    for (const some of this.#unsettled.values()) yield* some
  }

  /** Replies of a conversation that are neither delivered nor dead letters, oldest first. */
  owedTo(channel: string, conversation: string): readonly Owed[] {
    return [...(this.#owedOf.get(`${channel} ${conversation}`) ?? [])].sort((a, b) => a.id - b.id)
  }

  *owed(): Generator<Owed> {
    for (const some of this.#owedOf.values()) yield* some
  }

  /** Ends the open tries of a process or a session that was lost by something in it. */
  blame(seqs: Iterable<Written>): void {
    for (const written of seqs) {
      written.recovered = true
      if (!written.open) continue
      written.open = false
      written.culpable += 1
    }
  }

  note({ name, input, result }: Effect): void {
    // The store's contract says what stands where in `input` and `result`.
    if (name === 'accept') this.#accept(input[0] as NewMessage, result as { seq: number; duplicate: boolean })
    else if (name === 'begin') {
      const [key, turn, seqs] = input as [string, string, number[]]
      this.turns.begin({ session: key, turn, seqs, steps: (result as Begun).steps })
      this.#begin(seqs, (result as Begun).exhausted)
    } else if (name === 'release') this.#release(input[0] as number[])
    else if (name === 'commit') this.#commit(input[0] as Commit)
    else if (name === 'commitUndo') this.#undo(input[0] as { done: Commit; nothing: Commit })
    else if (name === 'receipt') this.#receipt(input[0] as number, input[2] as boolean)
    else if (name === 'undeliverable') this.#end(input[0] as number, 'dead')
    else if (name === 'retryDeadLetter') this.#reopen(result as RetriedDeadLetter | null, input[0] as number)
  }

  #accept(message: NewMessage, { seq, duplicate }: { seq: number; duplicate: boolean }): void {
    const id = `${message.channel} ${message.conversation} ${message.platformMessageId}`
    const known = this.#byPlatformId.get(id)
    this.#verdict.check(duplicate === (known !== undefined), 'S29', () => `${id}: duplicate is ${duplicate}`)
    if (duplicate) return
    const written: Written = {
      seq,
      message,
      outcome: null,
      reason: null,
      tries: 0,
      culpable: 0,
      open: false,
      kept: false,
      recovered: false,
      exhausted: false,
      reopened: false,
    }
    this.messages.set(seq, written)
    this.#byPlatformId.set(id, seq)
    keep(this.#unsettled, message.sessionKey, written)
  }

  #begin(seqs: readonly number[], exhausted: readonly number[]): void {
    for (const seq of seqs) {
      const written = this.messages.get(seq)
      if (written === undefined || written.outcome !== null) continue
      written.exhausted = exhausted.includes(seq)
      if (written.exhausted) continue
      written.tries += 1
      written.open = true
    }
  }

  #release(seqs: readonly number[]): void {
    for (const seq of seqs) {
      const written = this.messages.get(seq)
      if (written === undefined || written.outcome !== null || written.tries === 0) continue
      written.tries -= 1
      written.open = false
    }
  }

  #commit(commit: Commit): void {
    this.turns.record(commit)
    for (const settlement of commit.settled) this.#settle(settlement, commit)
    for (const { text } of commit.replies) this.#hitWord(text)
    this.turns.close(commit)
    const { channel, sessionKey } = commit
    if (sessionKey !== null && commit.entries.length > 0)
      this.entries.set(sessionKey, [...(this.entries.get(sessionKey) ?? []), ...commit.entries])
    const settles = commit.settled.map((settlement) => settlement.seq)
    for (const { conversation, text, adds = null } of commit.replies) {
      const id = this.replies.size + 1
      const owed: Owed = { id, channel, conversation, text, adds, settles, end: null, partsSent: 0, reopened: false }
      this.replies.set(id, owed)
      keep(this.#owedOf, `${channel} ${conversation}`, owed)
    }
    this.#rules.onCommit(commit)
  }

  /** What people were told, where it says what befell them. */
  #hitWord(text: string): void {
    for (const [word, event] of WORDS) if (text.startsWith(word)) this.#rules.hit(event)
  }

  #undo({ done, nothing }: { done: Commit; nothing: Commit }): void {
    const turns = historyOf(this.entries.get(done.sessionKey ?? '') ?? [])
    this.#commit(turns.length > 0 ? done : nothing)
  }

  #settle({ seq, outcome, reason }: Settlement, commit: Commit): void {
    const written = this.messages.get(seq)
    if (written === undefined) return this.#verdict.broken('S4', `message ${seq} was settled and never accepted`)
    const name = `message ${seq} (${written.message.text.slice(0, 20)})`
    if (written.outcome !== null) {
      return this.#verdict.broken('S4', `${name} ended as ${written.outcome} and then as ${outcome} (${reason})`)
    }
    if (outcome === 'answered') {
      const told = commit.replies.some((reply) => reply.conversation === written.message.conversation)
      this.#verdict.check(told, 'S4', () => `${name} is answered without a reply`)
    }
    if (outcome === 'discarded') this.#checkDiscard(written, commit, reason)
    if (outcome === 'dead') this.#checkDeath(written, reason)
    Object.assign(written, { outcome, reason, open: false })
    if (outcome === 'dead') this.#bury(written)
    drop(this.#unsettled, written.message.sessionKey, written)
  }

  #checkDiscard(written: Written, commit: Commit, reason: string | null): void {
    const words = commit.settled
      .map(({ seq }) => this.messages.get(seq)?.message)
      .filter((message) => message?.command?.name === 'stop' || message?.command?.name === 'new')
    const asked = words.some((word) => word?.sessionKey === written.message.sessionKey)
    if (reason === 'interrupted') this.#rules.hit('a run was interrupted')
    const interrupted = reason === 'interrupted' && this.#rules.interruptsIn(written.message.channel)
    this.#verdict.check(asked || interrupted, 'S4', () => `message ${written.seq} was discarded and nobody said so`)
  }

  #checkDeath(written: Written, reason: string | null): void {
    const { seq, message } = written
    this.#rules.hit(`a dead letter: ${reason}`)
    if (reason === 'the inbox was full') {
      const waiting = this.unsettledOf(message.sessionKey).filter((other) => other !== written && takesRoom(other))
      const limit = this.#rules.queueLimitOf(message.channel)
      this.#verdict.check(!written.kept, 'M5', () => `message ${seq} was kept, and after a restart refused`)
      this.#verdict.check(
        waiting.length >= limit,
        'S2',
        () => `message ${seq}: ${waiting.length} wait, room for ${limit}`,
      )
    }
    if (reason === 'it broke its session') {
      const times = written.culpable
      this.#verdict.check(times >= 3, 'S45', () => `message ${seq} was given up; it broke something ${times} times`)
    }
  }

  #receipt(id: number, last: boolean): void {
    const owed = this.replies.get(id)
    if (owed === undefined || owed.end !== null) return
    owed.partsSent += 1
    if (last) this.#end(id, 'delivered')
  }

  #end(id: number, end: 'delivered' | 'dead'): void {
    const owed = this.replies.get(id)
    if (owed === undefined || owed.end !== null) return
    owed.end = end
    if (end === 'dead') this.#bury(owed)
    drop(this.#owedOf, `${owed.channel} ${owed.conversation}`, owed)
  }

  #bury(dead: Written | Owed): void {
    this.#letterIds += 1
    this.letters.set(this.#letterIds, dead)
  }

  #reopen(retried: RetriedDeadLetter | null, id: number): void {
    const letter = this.letters.get(id)
    const same = retried !== null && (retried.kind === 'message') === (letter !== undefined && 'seq' in letter)
    this.#verdict.check(
      (letter === undefined) === (retried === null) && (retried === null || same),
      'M3',
      () => `dead letter ${id} is not the one that was put there`,
    )
    if (letter === undefined || retried === null) return
    this.letters.delete(id)
    if ('seq' in letter) {
      Object.assign(letter, {
        outcome: null,
        reason: null,
        tries: 0,
        culpable: 0,
        open: false,
        kept: false,
        exhausted: false,
        reopened: true,
      })
      keep(this.#unsettled, letter.message.sessionKey, letter)
    } else {
      Object.assign(letter, { end: null, reopened: true })
      keep(this.#owedOf, `${letter.channel} ${letter.conversation}`, letter)
    }
  }
}

const WORDS = [
  ['Your message waits: ', 'somebody was reminded that an approval waits'],
  ['You may not decide this', 'somebody who may not decide was told so'],
  ['No approval named ', 'a name that no approval has'],
  ['Several approvals wait', 'a word without a name while several wait'],
  ['The history is summarised', 'a history was summarised'],
  ['I could not answer: ', 'somebody was told that a run failed'],
  ['I could not answer: the run took longer', 'a run reached its deadline'],
  ['I could not answer: the run did not come', 'a run ran out of steps'],
] as const
