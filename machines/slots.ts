// Slots: how many runs there may be at once, and who is next. Pure; owned by the gateway's context.
//   First come, first served across all sessions; a session holds at most one slot and waits at most once.
//   running.length <= limit, but for runs that had begun when the limit was lowered: nobody is stopped for it.

export interface Slots {
  readonly limit: number
  /** Session keys that hold a slot. */
  readonly running: readonly string[]
  /** Session keys that wait for one, longest first. */
  readonly waiting: readonly string[]
}

export interface SlotsChange {
  readonly slots: Slots
  /** Sessions to be told that they hold a slot now. */
  readonly granted: readonly string[]
}

export function emptySlots(limit: number): Slots {
  return { limit, running: [], waiting: [] }
}

/** A session that asks while it holds a slot gives that one back first: its next turn queues behind the others. */
export function requestSlot(slots: Slots, sessionKey: string): SlotsChange {
  if (slots.waiting.includes(sessionKey)) return { slots, granted: [] }
  const running = slots.running.filter((key) => key !== sessionKey)
  return grant({ ...slots, running, waiting: [...slots.waiting, sessionKey] })
}

/** Gives back a slot or a place in the line; harmless when the session has neither. */
export function releaseSlot(slots: Slots, sessionKey: string): SlotsChange {
  return releaseWhere(slots, (key) => key === sessionKey)
}

/** The same for every session that `gone` names: those of a channel that stopped. */
export function releaseWhere(slots: Slots, gone: (sessionKey: string) => boolean): SlotsChange {
  return grant({
    ...slots,
    running: slots.running.filter((key) => !gone(key)),
    waiting: slots.waiting.filter((key) => !gone(key)),
  })
}

export function resizeSlots(slots: Slots, limit: number): SlotsChange {
  return grant({ ...slots, limit })
}

function grant(slots: Slots): SlotsChange {
  const free = Math.max(0, slots.limit - slots.running.length)
  const granted = slots.waiting.slice(0, free)
  if (granted.length === 0) return { slots, granted }
  return {
    slots: { ...slots, running: [...slots.running, ...granted], waiting: slots.waiting.slice(granted.length) },
    granted,
  }
}
