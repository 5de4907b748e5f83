// Partition actor: the partition's machine with its effects.

import { fromPromise } from 'xstate'
import { abandonCommit } from '../../machines/commits.ts'
import type { AcceptedMessage } from '../../machines/messages.ts'
import { partitionMachine } from '../../machines/partition.ts'
import { endingItsChildren } from './ending.ts'
import { deliveryActor } from './delivery.ts'
import { observed } from './observed.ts'
import { agentFor, type Parts, tellGateway } from './parts.ts'
import { withCount } from './persist.ts'
import { lookAtChildren } from './restarts.ts'
import { sessionActor } from './session.ts'

export function partitionActor(parts: Parts) {
  const machine = partitionMachine.provide({
    actors: {
      session: sessionActor(parts),
      delivery: deliveryActor(parts),
      abandon: fromPromise(({ input, system }) => abandon(parts, input, system)),
      recover: fromPromise(async ({ input }) => {
        const messages = await parts.store.unfinishedOf(input.key)
        return messages.map((message) => withAgent(parts, message))
      }),
    },
    actions: {
      noteFailure: (_, { child, error, restartAfterMs }) => {
        const next = restartAfterMs === null ? 'it is not started again' : `it is started again in ${restartAfterMs} ms`
        parts.log.error({ actor: child, err: error }, `an actor failed; ${next}`)
      },
    },
  })
  return endingItsChildren(observed(machine, lookAtChildren(parts.observe), parts.log))
}

export function withAgent(parts: Parts, message: AcceptedMessage): AcceptedMessage {
  const agent = agentFor(parts, message.channel, message.agent)
  return agent === undefined ? message : { ...message, agent: agent.id }
}

async function abandon(
  parts: Parts,
  { key, reached }: { key: string; reached: number },
  system: unknown,
): Promise<readonly AcceptedMessage[]> {
  const unfinished = await parts.store.unfinishedOf(key)
  for (const message of unfinished.filter(({ seq }) => seq <= reached)) {
    const { content, putBack } = withCount(parts, abandonCommit(message))
    await parts.store.commit(content).catch((error: unknown) => {
      putBack()
      throw error
    })
    tellGateway(system, { type: 'outbox.owed', channel: message.channel, conversation: message.conversation })
  }
  return unfinished.filter(({ seq }) => seq > reached).map((message) => withAgent(parts, message))
}
