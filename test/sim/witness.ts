// Witness: sees what takes effect on disk, what platforms take and what is shown, writes it down and asks whether it may be.
//   S6. Once a turn was discarded or an end confirmed, nothing of its run is committed, sent or shown.

import type { Commit, Inbound } from '../../machines/messages.ts'
import type { NewMessage } from '../../src/store/store.ts'
import type { Effect, Owner } from './disk.ts'
import type { Ledger } from './ledger.ts'
import type { Model } from './model.ts'
import type { Process } from './process.ts'
import type { Written } from './records.ts'
import type { Verdict } from './violation.ts'

export interface WitnessParts {
  readonly verdict: Verdict
  readonly ledger: () => Ledger
  readonly model: () => Model
  readonly process: () => Process | null
  /** What the file may say about partial answers. */
  readonly keepsPartial: (channel: string) => readonly boolean[]
  /** A message took effect; its session was there. */
  readonly onMessage: (written: Written, state: string) => void
  readonly hit: (event: string) => void
}

export class Witness {
  readonly #parts: WitnessParts
  readonly #events: (() => string)[] = []

  constructor(parts: WitnessParts) {
    this.#parts = parts
  }

  /** The last events, oldest first. */
  get events(): readonly string[] {
    return this.#events.slice(-180).map((event) => event())
  }

  /** Words are made of it only when somebody reads them. */
  note(event: () => string): void {
    this.#events.push(event)
    if (this.#events.length > 400) this.#events.splice(0, 200)
  }

  onEffect(effect: Effect, owner: Owner): void {
    const { hit, process } = this.#parts
    const [ledger, model] = [this.#parts.ledger(), this.#parts.model()]
    const before = effect.name === 'accept' ? this.#stateAt((effect.input[0] as NewMessage).sessionKey) : null
    ledger.note(effect)
    // A begin that a session asked for before it failed counts against it all the same.
    const key = effect.name === 'begin' ? (effect.input[0] as string) : null
    if (key !== null && (!owner.alive || process()?.failed.has(key) === true)) ledger.blame(ledger.unsettledOf(key))
    const lost = owner.alive ? '' : ' (for a lost process)'
    this.note(() => `  disk: ${effect.name} ${describe(effect)}${lost}`)
    if (before === null) return
    const { seq, duplicate } = effect.result as { seq: number; duplicate: boolean }
    if (duplicate) return hit('a message came a second time')
    const written = ledger.messages.get(seq)!
    const mark = Number(/t(\d+)\./.exec(written.message.text)?.[1] ?? -1)
    if (mark >= 0) model.byMark.set(mark, written)
    this.#parts.onMessage(written, before)
  }

  #stateAt(sessionKey: string): string {
    return this.#parts.process()?.stateOf(sessionKey) ?? 'the process is lost'
  }

  onCommit(commit: Commit): void {
    const { verdict, model, ledger, keepsPartial } = this.#parts
    const { cancelled, thinking: all } = model()
    const said = (commit.steps ?? []).flatMap(({ step }) => (step.kind === 'answer' ? [step.text] : []))
    const texts = [
      ...commit.replies.map(({ text }) => withoutWords(text)),
      ...commit.entries.filter(({ role }) => role !== 'partial').map(({ text }) => text),
      ...said,
    ]
    for (const text of texts)
      verdict.check(!cancelled.has(text), 'S6', () => `${text} of a cancelled run was committed`)
    const stopped = commit.replies.some(({ text }) => text.startsWith('Stopped') || text.startsWith('Started over'))
    const gone = commit.settled.filter(({ outcome }) => outcome === 'discarded').map(({ seq }) => seq)
    for (const thinking of all) {
      if (thinking.session !== commit.sessionKey) continue
      if (texts.includes(thinking.text)) thinking.committed = true
      const turn = ledger().turns.latest(thinking.session)
      const ends = stopped || (turn?.turn === thinking.turn && turn.seqs.some((seq) => gone.includes(seq)))
      if (!ends || thinking.committed) continue
      const told = thinking.shown !== '' && commit.replies.some(({ text }) => text.includes(thinking.shown))
      verdict.check(!told, 'S6', () => `${thinking.shown} of a cancelled run is sent with its end`)
      thinking.cancelled = true
      cancelled.add(thinking.text)
    }
    for (const { role, text, turn } of commit.entries) {
      if (role === 'partial')
        this.#checkPartial({ session: commit.sessionKey ?? '', turn, text, kept: keepsPartial(commit.channel) })
    }
  }

  /** As much as people had seen of the answer that was being given, or nothing. */
  #checkPartial({
    session,
    turn,
    text,
    kept,
  }: {
    session: string
    turn: string
    text: string
    kept: readonly boolean[]
  }): void {
    const { verdict, model, hit } = this.#parts
    const last = model().lastOf(session)
    const seen = last?.turn === turn ? last.shown : ''
    if (text !== '') hit('a partial answer was kept')
    const right = kept.some((keeps) => text === (keeps ? seen : ''))
    verdict.check(right, 'S20', () => `${session} ${turn} keeps "${text}", people had seen "${seen}"`)
  }

  onTaken(channel: string, text: string): void {
    const { verdict, model } = this.#parts
    this.note(() => `  ${channel} takes: ${text.slice(0, 60)}`)
    verdict.check(!model().cancelled.has(withoutWords(text)), 'S6', () => `${text} of a cancelled run was sent`)
  }

  onDelta(session: string, text: string): void {
    const { verdict, model, hit } = this.#parts
    hit('a delta was shown')
    const from = model().lastOf(session)
    const gone = from === undefined || from.cancelled || from.request.signal.aborted || !from.shown.endsWith(text)
    verdict.check(!gone, 'S6', () => `a delta of an ended run was shown: ${text}`)
  }
}

/** What stands in front of a summary. */
function withoutWords(text: string): string {
  return text.replace(/^The history is summarised now:\n\n/, '')
}

function describe({ name, input, result }: Effect): string {
  return `${JSON.stringify(name === 'accept' ? (input[0] as Inbound).text : input).slice(0, 300)} → ${JSON.stringify(result)?.slice(0, 120)}`
}
