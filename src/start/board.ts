// Board: the last word of each channel, since when, and the roll call; and which agents cannot answer. Written by the gateway's actors, read by the port.
//   C3. Every channel of the file is in every report, under its own id, in the order of the file.

import { type Failure, sayable } from '../../machines/failure.ts'
import type { GatewayContext } from '../../machines/gateway-context.ts'
import type { ChannelReport } from '../../machines/messages.ts'
import type { Parts } from '../actors/parts.ts'
import type { AgentStatus, ChannelStatus } from '../http/port.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { whyKept } from './changes.ts'

export interface Board extends Pick<Parts, 'onReport' | 'onRollCall' | 'onAnswer'> {
  channels(): readonly ChannelStatus[]
  /** Agents whose last answer could not be given. */
  agents(): readonly AgentStatus[]
  /** Settles once every channel has gone live or failed its first try. */
  readonly rollCall: Promise<readonly ChannelStatus[]>
}

interface BoardParts {
  /** What the root knows at this moment. */
  readonly root: () => GatewayContext
  readonly world: World
  readonly log: Log
}

export function createBoard({ root, world, log }: BoardParts): Board {
  const startedAtMs = world.nowMs()
  const last = new Map<string, { report: ChannelReport; sinceMs: number }>()
  const failed = new Map<string, AgentStatus>()
  const roll = Promise.withResolvers<readonly ChannelStatus[]>()

  function channels(): ChannelStatus[] {
    const { definition, adoptions, leaving } = root()
    return Object.values(definition.channels).map(({ id, platform, routes }) => {
      const { report, sinceMs } = last.get(id) ?? { report: null, sinceMs: startedAtMs }
      const failure = report?.failure ?? null
      const kept = adoptions[id] === undefined ? null : whyKept(adoptions[id])
      const reasons = [
        ...(failure === null ? [] : [sayable(failure)]),
        ...(kept === null ? [] : [`${KEPT}: ${kept}`]),
        ...(leaving[id] === undefined ? [] : [RETURNING]),
      ]
      return {
        id,
        platform,
        agent: routes.default,
        state: report?.state ?? 'connecting',
        reason: reasons.length === 0 ? null : reasons.join('; '),
        phase: failure?.phase ?? null,
        since: new Date(sinceMs).toISOString(),
      }
    })
  }

  function onReport(report: ChannelReport): void {
    const before = last.get(report.id)
    const sinceMs = before?.report.state === report.state ? before.sinceMs : world.nowMs()
    last.set(report.id, { report, sinceMs })
    const reason = report.failure === null ? {} : { reason: sayable(report.failure) }
    log.debug({ channel: report.id, state: report.state, ...reason }, 'a channel changed its state')
  }

  /** The first of several that are the same has the time. */
  function onAnswer(id: string, failure: Failure | null): void {
    const reason = failure === null ? null : sayable(failure)
    if (reason === null) failed.delete(id)
    else if (failed.get(id)?.reason !== reason) {
      failed.set(id, { id, reason, since: new Date(world.nowMs()).toISOString() })
    }
  }

  function agents(): AgentStatus[] {
    return Object.keys(root().definition.agents).flatMap((id) => failed.get(id) ?? [])
  }

  return { channels, agents, onReport, onAnswer, onRollCall: () => roll.resolve(channels()), rollCall: roll.promise }
}

const KEPT = 'it goes by its earlier definition, for the new one does not start'

const RETURNING = 'it was taken out of the file and put back; it starts once its earlier runs have ended'
