// Violation: the first broken promise of a run. Much of what is checked happens inside calls of the system under test, which would
// take a thrown error for a failure of its own; so a violation is noted here and read by whoever drives the run.

export interface Violation {
  /** The invariant's id, or a word for what has none. */
  readonly rule: string
  readonly text: string
}

export class Verdict {
  first: Violation | null = null

  broken(rule: string, text: string): void {
    this.first ??= { rule, text }
  }

  check(holds: boolean, rule: string, text: () => string): void {
    if (!holds) this.broken(rule, text())
  }
}
