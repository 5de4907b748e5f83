// Delivery actor: the delivery's machine with its effects.
//   D2. The attempt is on disk before the send; it is taken back only when the send certainly did not arrive.

import { fromPromise } from 'xstate'
import { deliveryMachine, type DeliveredPart } from '../../machines/delivery.ts'
import { FailureError, failureOf } from '../../machines/failure.ts'
import type { OutboxItem } from '../../machines/messages.ts'
import { endingItsChildren } from './ending.ts'
import { observed } from './observed.ts'
import type { Parts } from './parts.ts'
import { lookAtReplies } from './replies.ts'

export function deliveryActor(parts: Parts) {
  const { store } = parts
  const machine = deliveryMachine.provide({
    actors: {
      look: fromPromise(({ input }) => store.nextOwed(input.channel, input.conversation)),
      send: fromPromise(({ input, signal }) => send(parts, input, signal)),
      writeReceipt: fromPromise(({ input }) => store.receipt(input.item.id, input.part.receipt, input.part.last)),
      bury: fromPromise(async ({ input }) => {
        const { id, channel, conversation } = input.item
        parts.log.error(
          { channel, conversation, outbox: id, reason: input.failure.reason },
          `a reply could not be delivered and is a dead letter: ${input.failure.message}`,
        )
        await store.undeliverable(id, input.failure)
      }),
    },
  })
  return endingItsChildren(observed(machine, lookAtReplies(parts.observe), parts.log))
}

async function send(parts: Parts, item: OutboxItem, signal: AbortSignal): Promise<DeliveredPart> {
  const adapter = parts.adapters.get(item.channel)
  if (adapter === undefined) throw new FailureError(NO_CONNECTION)
  // Also when an earlier send is in doubt: a second attempt is what makes the record say "uncertain".
  await parts.store.attempt(item.id)
  try {
    // The disk may have taken longer than the deadline: what was given up is not sent after all.
    signal.throwIfAborted()
    const { id, conversation, text, replyTo, uncertain, choices } = item
    const offered = choices === undefined ? {} : { choices }
    const outgoing = { outboxId: id, conversation, text, replyTo, uncertain, ...offered }
    return await adapter.send(outgoing, item.partsSent, signal)
  } catch (error) {
    // Ended from outside it counts as in doubt, whatever it says later: the mark may be its successor's by now.
    if (signal.aborted) throw error
    const failure = failureOf(error)
    const { channel, conversation } = item
    parts.log.warn({ channel, conversation, outbox: item.id, err: error }, `a send failed: ${failure.message}`)
    if (failure.uncertain !== true) await parts.store.unattempt(item.id)
    throw error
  }
}

const NO_CONNECTION = {
  kind: 'retryable',
  reason: 'unavailable',
  message: 'the channel has no connection yet',
} as const
