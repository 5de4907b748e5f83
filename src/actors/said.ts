// Said: as much of each session's current answer as people have seen, for the transcript of a run that is cancelled.
// Beside the machines, because an answer has hundreds of pieces and a machine has one event for each (facts: 3 µs and a snapshot).
//   At most one entry for a session: it has one run (S1). What is taken is gone.

export class Said {
  readonly #texts = new Map<string, string>()

  /** A new answer begins; what was there of an earlier one is over. */
  begin(session: string): void {
    this.#texts.set(session, '')
  }

  add(session: string, text: string): void {
    this.#texts.set(session, (this.#texts.get(session) ?? '') + text)
  }

  take(session: string): string {
    const text = this.#texts.get(session) ?? ''
    this.#texts.delete(session)
    return text
  }
}
