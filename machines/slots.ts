// Slots: how many runs there may be at once, and who is next. Owned by the gateway's context.
//   First come, first served across all sessions; a session holds at most one slot and waits at most once.
//   running.length <= limit, but for runs that had begun when the limit was lowered: nobody is stopped for it.
//   What a call costs does not grow with those who wait. Therefore their line is changed in place, as the placement is (see
//   placement.ts): of two values of Slots only the newer one may be used.

export interface Slots {
  readonly limit: number
  /** Session keys that hold a slot: never many, each stands for a request to a model. */
  readonly running: readonly string[]
  /** How many wait for one. */
  readonly waiting: number
  readonly line: Line
}

export interface SlotsChange {
  readonly slots: Slots
  /** Sessions to be told that they hold a slot now. */
  readonly granted: readonly string[]
}

export function emptySlots(limit: number): Slots {
  return { limit, running: [], waiting: 0, line: new Line() }
}

/** A session that asks while it holds a slot gives that one back first: its next turn queues behind the others. */
export function requestSlot(slots: Slots, sessionKey: string): SlotsChange {
  slots.line.add(sessionKey)
  return grant({ ...slots, running: slots.running.filter((key) => key !== sessionKey) })
}

/** Gives back a slot or a place in the line; harmless when the session has neither. */
export function releaseSlot(slots: Slots, sessionKey: string): SlotsChange {
  slots.line.remove(sessionKey)
  return grant({ ...slots, running: slots.running.filter((key) => key !== sessionKey) })
}

/** The same for every session that `gone` names: those of a channel that stopped. */
export function releaseWhere(slots: Slots, gone: (sessionKey: string) => boolean): SlotsChange {
  slots.line.removeWhere(gone)
  return grant({ ...slots, running: slots.running.filter((key) => !gone(key)) })
}

/** Nobody waits any more, and nobody is granted anything for it. */
export function withoutWaiting(slots: Slots): Slots {
  return { ...slots, waiting: 0, line: new Line() }
}

export function resizeSlots(slots: Slots, limit: number): SlotsChange {
  return grant({ ...slots, limit })
}

function grant(slots: Slots): SlotsChange {
  const free = Math.max(0, slots.limit - slots.running.length)
  const granted = slots.line.take(free)
  const running = granted.length === 0 ? slots.running : [...slots.running, ...granted]
  return { slots: { ...slots, running, waiting: slots.line.size }, granted }
}

interface Place {
  readonly key: string
  readonly ticket: number
}

/** Keys in the order in which they came, each once. Changed in place; every call but removeWhere takes the same time. */
export class Line {
  /** Who waits. A Map would know the order too, but looks through all that left at its head to find who is first. */
  readonly #tickets = new Map<string, number>()
  /** By ticket. A place whose ticket is no longer its key's is empty: whoever stood there has left. */
  #places: Place[] = []
  #head = 0
  #lastTicket = 0

  get size(): number {
    return this.#tickets.size
  }

  /** At the end; who waits already keeps the place. */
  add(key: string): void {
    if (this.#tickets.has(key)) return
    this.#lastTicket += 1
    this.#tickets.set(key, this.#lastTicket)
    this.#closeUp()
    this.#places.push({ key, ticket: this.#lastTicket })
  }

  remove(key: string): void {
    this.#tickets.delete(key)
  }

  removeWhere(gone: (key: string) => boolean): void {
    for (const key of [...this.#tickets.keys()].filter(gone)) this.#tickets.delete(key)
  }

  /** The first `count`, or as many as there are; they wait no longer. */
  take(count: number): string[] {
    const taken: string[] = []
    while (taken.length < count) {
      const place = this.#places[this.#head]
      if (place === undefined) return taken
      this.#head += 1
      if (this.#tickets.get(place.key) !== place.ticket) continue
      this.#tickets.delete(place.key)
      taken.push(place.key)
    }
    return taken
  }

  toJSON(): { size: number } {
    return { size: this.size }
  }

  /** Drops the empty places once they are most of all: seldom enough that each add pays for little of it. */
  #closeUp(): void {
    if (this.#places.length < 2 * this.#tickets.size + EMPTY_PLACES_MIN) return
    this.#places = this.#places.slice(this.#head).filter(({ key, ticket }) => this.#tickets.get(key) === ticket)
    this.#head = 0
  }
}

/** Fewer are not worth a walk. */
const EMPTY_PLACES_MIN = 64
