// Changes: what a newer file changed, and what it did not, in the words and names of the file. Pure.

import { lacksFailure } from '../../machines/channel-failure.ts'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import { sayable, sentences } from '../../machines/failure.ts'
import type { GatewayContext } from '../../machines/gateway-context.ts'
import type { Adoption } from '../../machines/messages.ts'
import type { Redefinition } from '../../machines/redefinition.ts'
import type { Change, ChannelStatus, Kept } from '../http/port.ts'

type Adoptions = GatewayContext['adoptions']

/** A file that was taken, and how far the channels are with it. */
export interface Taken {
  readonly change: Redefinition
  /** The file itself: what of it is not in force is named with its reason. */
  readonly newest: GatewayDefinition
  /** Channels that went by an earlier definition before. */
  readonly before: Adoptions
  readonly adoptions: Adoptions
  readonly channels: readonly ChannelStatus[]
}

/** Whether every channel that connects now has gone live, or has failed its first try. */
export function isSettled({ change, adoptions, channels }: Taken): boolean {
  const awaited = [...change.channels.started, ...change.channels.reconnected, ...Object.keys(adoptions)]
  return channels.every(({ id, state }) => {
    if (!awaited.includes(id)) return true
    const adoption = adoptions[id]
    return adoption === undefined ? state !== 'connecting' : adoption.failure !== null
  })
}

export function changesOf(taken: Taken): Change[] {
  const { channels, agents, schedules, settings } = taken.change
  const plain = (section: string, change: Change['change'], ids: readonly string[]): Change[] =>
    ids.map((id) => ({ id: `${section}.${id}`, change, reason: null }))
  const restarted = new Set([...channels.reconnected, ...Object.keys(taken.before), ...Object.keys(taken.adoptions)])
  return [
    ...settings.changed.map((id): Change => ({ id, change: 'changed', reason: null })),
    ...plain('agents', 'added', agents.added),
    ...plain('agents', 'removed', agents.removed),
    ...plain('agents', 'changed', agents.changed),
    ...keptAgents(taken).map((kept): Change => ({ ...kept, change: 'kept' })),
    ...plain('schedules', 'added', schedules.added),
    ...plain('schedules', 'removed', schedules.removed),
    ...plain('schedules', 'changed', schedules.changed),
    ...plain('channels', 'stopped', channels.stopped),
    ...plain(
      'channels',
      'redefined',
      channels.redefined.filter((id) => !restarted.has(id)),
    ),
    ...taken.channels.flatMap((channel): Change[] => {
      const id = `channels.${channel.id}`
      if (channels.started.includes(channel.id)) return [{ id, change: 'started', reason: channel.reason }]
      if (!restarted.has(channel.id)) return []
      return [{ id, change: changeBy(taken.adoptions[channel.id]), reason: channel.reason }]
    }),
  ]
}

/** Channels and agents that go by an earlier definition, and why. */
export function keptOf(taken: Pick<Taken, 'change' | 'newest' | 'adoptions'>): Kept[] {
  const channels = Object.entries(taken.adoptions).flatMap(([id, adoption]): Kept[] => {
    const reason = whyKept(adoption)
    return reason === null ? [] : [{ id: `channels.${id}`, reason }]
  })
  return [...keptAgents(taken), ...channels]
}

/** null: it may still come to serve the newest definition at its first try. */
export function whyKept({ state, failure }: Adoption): string | null {
  if (failure === null) return null
  const next = state === 'trying' ? 'It is tried again by itself' : 'troupe reload tries it again'
  return sayable({ ...failure, message: sentences(failure), remedy: next })
}

function keptAgents({ change, newest }: Pick<Taken, 'change' | 'newest'>): Kept[] {
  return change.agents.kept.map((id) => {
    const { missing, lacking } = newest.agents[id] ?? NOTHING
    const failure = lacksFailure(missing, lacking)
    return { id: `agents.${id}`, reason: failure === null ? '' : sayable(failure) }
  })
}

const NOTHING = { missing: [], lacking: [] }

function changeBy(adoption: Adoption | undefined): Change['change'] {
  if (adoption === undefined) return 'restarted'
  return adoption.failure === null ? 'trying' : 'kept'
}
