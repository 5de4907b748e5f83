// Meters: what the requests of each session took, from the moment on when they are sent until it is on disk. Beside the machines,
// because what a request has taken grows with each piece of its answer, and is asked for when it is cut.
//   U1. What a request took is in one commit: taking it leaves nothing behind, and what the disk did not take is put back.
//   A commit that ends a run takes what is open, too, as far as it has come; what comes of that later is nothing any more.
//   It is kept in memory alone: of a process that is killed, what was open and what was on its way to the disk is not counted.

import type { Commit, NewTranscriptEntry } from '../../machines/messages.ts'
import { type Account, type Credit, usageEntries } from '../../machines/usage.ts'
import type { Observe } from './observe.ts'

/** Whose requests they are. */
export interface Metered {
  readonly session: string
  readonly turn: string
  readonly account: Account
  readonly observe: Observe
}

/** Of one request. */
export interface Taken extends Credit {
  readonly turn: string
  readonly account: Account
  /** It was for an answer, and has none. */
  readonly isCut: boolean
}

/** Of requests that are open. */
export interface Cuttable {
  /** Nothing comes of them any more; what they have taken so far is counted. A second time changes nothing. */
  cut(): void
}

/** Where a meter puts what its requests took. */
export interface Owner {
  take(taken: Pick<Taken, 'model' | 'spent' | 'isCut'>): void
  /** No request of it is open any more, and none follows. */
  close(): void
}

interface OfSession {
  readonly taken: Taken[]
  readonly open: Set<Cuttable>
}

export class Meters {
  readonly #sessions = new Map<string, OfSession>()

  /** For what `make` makes, with all the requests that are made for it. */
  open<Meter extends Cuttable>(of: Metered, make: (owner: Owner) => Meter): Meter {
    const meter: Meter = make({
      take: (taken) => this.#add(of, taken),
      close: () => {
        this.#sessions.get(of.session)?.open.delete(meter)
        this.#tidy(of.session)
      },
    })
    this.#of(of.session).open.add(meter)
    return meter
  }

  /** What is over and not on disk; `all`: what is open ends here, and is in it. */
  take(session: string, what: 'over' | 'all'): readonly Taken[] {
    const here = this.#sessions.get(session)
    if (here === undefined) return []
    if (what === 'all') for (const meter of here.open) meter.cut()
    const taken = here.taken.splice(0)
    this.#tidy(session)
    return taken
  }

  putBack(session: string, taken: readonly Taken[]): void {
    if (taken.length > 0) this.#of(session).taken.unshift(...taken)
  }

  #add({ session, turn, account, observe }: Metered, taken: Parameters<Owner['take']>[0]): void {
    const { spent } = taken
    this.#of(session).taken.push({ turn, account, ...taken })
    if (spent === null) return
    const { agent } = account
    const { inputTokens: input, outputTokens: output, estimated, speechSeconds: seconds = 0 } = spent
    const guessed = { input: estimated?.inputTokens ?? 0, output: estimated?.outputTokens ?? 0 }
    observe.note({ kind: 'tokens', session, agent, input, output, estimated: guessed })
    if (seconds > 0) observe.note({ kind: 'speech', session, agent, seconds })
  }

  #of(session: string): OfSession {
    const known = this.#sessions.get(session)
    if (known !== undefined) return known
    const made = { taken: [], open: new Set<Cuttable>() }
    this.#sessions.set(session, made)
    return made
  }

  #tidy(session: string): void {
    const here = this.#sessions.get(session)
    if (here !== undefined && here.taken.length === 0 && here.open.size === 0) this.#sessions.delete(session)
  }
}

/** The commit with what was taken: on the account, and beside the end of a turn that has no answer. */
export function withTaken(content: Commit, taken: readonly Taken[]): Commit {
  if (taken.length === 0) return content
  const usage = taken.flatMap(({ account, spent }) => usageEntries(account, 0, [spent]))
  const entries = content.entries.map((entry) => {
    const last = taken.findLast(({ isCut, turn }) => isCut && turn === entry.turn)
    return last === undefined || !isEnd(entry) ? entry : { ...entry, model: last.model, spent: last.spent }
  })
  return { ...content, entries, usage: [...(content.usage ?? []), ...usage] }
}

/** Of a turn without an answer; one that ended with an answer too many has its credit already. */
function isEnd({ role, model }: NewTranscriptEntry): boolean {
  return (role === 'partial' || role === 'failure') && model === undefined
}
