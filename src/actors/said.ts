// Said: as much of each session's current answer as people have seen, for the transcript of a run that is cancelled.
// Beside the machines, because an answer has hundreds of pieces and a machine has one event for each (facts: 3 µs and a snapshot).
//   At most one entry for a session: it has one run (S1). No turn is given another's.

export class Said {
  readonly #answers = new Map<string, { readonly turn: string; text: string }>()

  /** A new answer begins; what was there of an earlier one is over. */
  begin(session: string, turn: string): void {
    this.#answers.set(session, { turn, text: '' })
  }

  add(session: string, text: string): void {
    const answer = this.#answers.get(session)
    if (answer !== undefined) answer.text += text
  }

  /** What people saw of the last answer of this turn. */
  of(session: string, turn: string): string {
    const answer = this.#answers.get(session)
    return answer?.turn === turn ? answer.text : ''
  }

  /** The turn has ended, and its end is on disk. */
  forget(session: string, turn: string): void {
    if (this.#answers.get(session)?.turn === turn) this.#answers.delete(session)
  }
}
