// Adoption: how a channel comes to serve a newer definition. Pure functions over the part of its context that says how far it is.
//   C2. Two connections never stand side by side, so the newer definition is tried with its credential alone while the earlier
//       one serves, and goes live only in its place.
//   The earlier definition is kept until the newer one is live; if that does not go live, the channel goes back to it.

import type { AgentDefinition, ChannelDefinition } from './definitions.ts'
import { isSame, needsConnection } from './redefinition.ts'

/** What a channel and its partitions are started from. */
export interface Served {
  readonly definition: ChannelDefinition
  readonly agents: Readonly<Record<string, AgentDefinition>>
}

export interface Adopting extends Served {
  /** The newest definition, while it waits for a connection of its own; null: it is served, or was given up. */
  readonly next: Served | null
  /** What was served before: gone back to when `definition` does not go live. Null: there is no way back, or no need. */
  readonly proven: Served | null
  /** Trials of `next` that failed in a row. */
  readonly trials: number
}

/** The newest definition is the one that is served, in every word. */
export function isServed(channel: Adopting, newest: Served): boolean {
  return channel.next === null && isSame(servedBy(channel), servedBy(newest))
}

/** Served at once, unless it needs another connection: then it waits for one. */
export function offered({ definition, agents, proven }: Adopting, newest: Served): Adopting {
  const next = servedBy(newest)
  if (!needsConnection({ definition, agents }, next)) return { ...next, next: null, proven, trials: 0 }
  // An agent that only the earlier definition leads to is needed for as long as that one is served.
  return { definition, agents: { ...agents, ...next.agents }, next, proven, trials: 0 }
}

/** What waited is served from now on. Nothing was served before that would be worth going back to. */
export function taken(channel: Adopting): Adopting {
  return { ...servedBy(channel.next ?? channel), next: null, proven: null, trials: 0 }
}

/** The same where something was. To go back to what is on trial would only be to try it again. */
export function takenOnTrial(channel: Adopting): Adopting {
  if (channel.next === null) return channel
  const proven = channel.proven ?? servedBy(channel)
  return { ...taken(channel), proven: needsConnection(proven, channel.next) ? proven : null }
}

/** Back to what was served before; what came meanwhile waits for its turn. */
export function goneBack(channel: Adopting): Adopting {
  if (channel.proven === null) return channel
  const back = { ...channel.proven, next: null, proven: null, trials: 0 }
  return channel.next === null ? back : offered(back, channel.next)
}

export function servedBy({ definition, agents }: Served): Served {
  return { definition, agents }
}
