// Throws: a defect at a chosen passage of one conversation: the promise that is waited for there rejects with what nobody foresaw, and
// `show` throws where it stands. The code behind the passage is never reached, as the contracts say of a call that rejects.

import type { Commit } from '../../machines/messages.ts'
import type { NewMessage, Store } from '../../src/store/store.ts'
import type { Ledger } from './ledger.ts'
import type { Passage } from './steps.ts'

export class Throws {
  /** How often one was thrown so far. */
  thrown = 0
  readonly #armed = new Map<string, number>()
  readonly #ledger: () => Ledger
  readonly #hit: (event: string) => void

  constructor(ledger: () => Ledger, hit: (event: string) => void) {
    this.#ledger = ledger
    this.#hit = hit
  }

  /** The next one that comes by there throws. */
  arm(at: Passage, channel: string, conversation: string): void {
    const key = `${at} ${channel}/${conversation}`
    this.#armed.set(key, (this.#armed.get(key) ?? 0) + 1)
  }

  heal(): void {
    this.#armed.clear()
  }

  /** Throws when it is armed. `place`: a session key, or `channel/conversation`. */
  pass(at: Passage, place: string): void {
    if (this.#armed.size === 0) return
    const key = `${at} ${place.split('/').slice(0, 2).join('/')}`
    const times = this.#armed.get(key) ?? 0
    if (times === 0) return
    if (times === 1) this.#armed.delete(key)
    else this.#armed.set(key, times - 1)
    this.thrown += 1
    this.#hit(`a throw at ${at}`)
    throw new TypeError(`a defect at ${at}`)
  }

  /** A store whose calls come by here first. */
  around(store: Store): Store {
    const guarded = (name: keyof Store, passage: (input: readonly unknown[]) => [Passage, string] | null) => {
      const real = store[name] as (...input: readonly unknown[]) => Promise<unknown>
      return async (...input: readonly unknown[]): Promise<unknown> => {
        const passed = this.#armed.size === 0 ? null : passage(input)
        if (passed !== null) this.pass(...passed)
        return real(...input)
      }
    }
    const replies =
      (at: Passage) =>
      (input: readonly unknown[]): [Passage, string] => [at, this.#placeOf(input[0])]
    const wrapped = {
      accept: guarded('accept', ([message]) => ['accept', placeIn(message as NewMessage)]),
      begin: guarded('begin', ([key]) => ['begin', String(key)]),
      release: guarded('release', ([seqs]) => ['release', this.#sessionOf((seqs as number[])[0] ?? 0)]),
      commit: guarded('commit', ([commit]) => passageOf(commit as Commit)),
      commitUndo: guarded('commitUndo', ([commits]) => ['undo', String((commits as { done: Commit }).done.sessionKey)]),
      unfinishedOf: guarded('unfinishedOf', ([key]) => ['recover', String(key)]),
      nextOwed: guarded('nextOwed', ([channel, conversation]) => ['look', `${channel}/${conversation}`]),
      attempt: guarded('attempt', replies('attempt')),
      unattempt: guarded('unattempt', replies('unattempt')),
      receipt: guarded('receipt', replies('receipt')),
      undeliverable: guarded('undeliverable', replies('undeliverable')),
    }
    // One way for all methods: TypeScript cannot see that each keeps its own signature.
    return { ...store, ...(wrapped as unknown as Partial<Store>) }
  }

  #placeOf(outboxId: unknown): string {
    const reply = this.#ledger().replies.get(Number(outboxId))
    return reply === undefined ? '' : placeIn(reply)
  }

  #sessionOf(seq: number): string {
    return this.#ledger().messages.get(seq)?.message.sessionKey ?? ''
  }
}

/** Steps of a run, the end of a turn, and everything else that a session says. */
function passageOf({ sessionKey, settled, entries }: Commit): [Passage, string] | null {
  if (sessionKey === null) return null
  if (settled.length === 0) return ['record', sessionKey]
  return [entries.length > 0 ? 'commit' : 'answer', sessionKey]
}

function placeIn({ channel, conversation }: { readonly channel: string; readonly conversation: string }): string {
  return `${channel}/${conversation}`
}
