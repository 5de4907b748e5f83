// Delivery actor: order, receipts, and what is known of a send that was cut.

import { expect, test } from 'vitest'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { openHouse } from '../support/house.ts'
import { settled } from '../support/world.ts'

const LIMITED = { kind: 'retryable', reason: 'rateLimited', message: 'too fast', retryAfterMs: 30_000 } as const
const BLOCKED = { kind: 'permanent', reason: 'forbidden', message: 'the person blocked the bot' } as const
const CUT = { kind: 'retryable', reason: 'unavailable', message: 'cut', uncertain: true } as const

const failing = (failure: Failure) => async () => {
  throw new FailureError(failure)
}

async function asked(conversations: readonly string[]) {
  const house = await openHouse()
  for (const conversation of conversations) await house.says('a', 'hello', { conversation })
  return house
}

test('S48 D1: a 429 in one conversation holds up that one alone, for as long as it was told', async () => {
  const house = await asked(['c1', 'c2'])
  house.platform('a').nextSend.push(failing(LIMITED))
  await house.thoughts[0]?.answer('to c1')
  await house.thoughts[1]?.answer('to c2')
  await house.says('a', '/help', { conversation: 'c1' })
  expect(house.platform('a').sent.map((sent) => sent.conversation)).toEqual(['c2'])
  await house.world.advance(29_999)
  expect(house.platform('a').sent).toHaveLength(1)
  await house.world.advance(1)
  const toFirst = house.platform('a').sent.filter((sent) => sent.conversation === 'c1')
  expect(toFirst.map((sent) => sent.text.split('\n')[0])).toEqual(['to c1', expect.stringContaining('/help')])
})

test('S48: a reply to somebody who blocked the bot is a dead letter at once, and the next one is tried', async () => {
  const house = await asked(['c1'])
  house.platform('a').nextSend.push(failing(BLOCKED))
  await house.thoughts[0]?.answer('to nobody')
  expect(await house.store.deadLetters(10)).toMatchObject([{ kind: 'reply', text: 'to nobody' }])
  await house.says('a', '/help')
  expect(house.platform('a').sent).toHaveLength(1)
})

test('S49 D2: a send that was cut is repeated once and then set aside, and its record says uncertain', async () => {
  const house = await asked(['c1'])
  const uncertain: boolean[] = []
  for (let send = 0; send < 3; send += 1) {
    house.platform('a').nextSend.push(async (outgoing) => {
      uncertain.push(outgoing.uncertain)
      throw new FailureError(CUT)
    })
  }
  await house.thoughts[0]?.answer('perhaps')
  await house.world.advance(1_000)
  await house.world.advance(60_000)
  expect(uncertain).toEqual([false, true])
  expect(await house.store.deadLetters(10)).toHaveLength(1)
})

test('D2: a reply whose send was in flight when the process was lost is sent again, marked uncertain', async () => {
  const house = await asked(['c1'])
  house.platform('a').nextSend.push(() => new Promise(() => {}))
  await house.thoughts[0]?.answer('in flight')
  house.kill()
  expect(await house.store.nextOwed('a', 'c1')).toMatchObject({ text: 'in flight', uncertain: true })
  const next = await openHouse({ store: house.store, world: house.world })
  await settled()
  expect(next.platform('a').sent.map((sent) => sent.text)).toEqual(['in flight'])
})

test('S51: a send that never returns ends at its deadline, and the session is free meanwhile', async () => {
  const house = await asked(['c1'])
  let aborted = false
  house.platform('a').nextSend.push(
    (_, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => (aborted = true))
      }),
  )
  await house.thoughts[0]?.answer('stuck')
  expect(house.census()).toMatchObject({ idle: 1 })
  await house.world.advance(60_000)
  expect(aborted).toBe(true)
  await house.world.advance(1_000)
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['stuck'])
})

test('S5: replies wait while the credential is refused, and go out when the channel is live again', async () => {
  const house = await asked(['c1'])
  const refused: Failure = { kind: 'permanent', reason: 'unauthorized', message: 'refused' }
  house.platform('a').nextSend.push(failing(refused))
  await house.thoughts[0]?.answer('later')
  await house.platform('a').breaks(new FailureError(refused))
  expect(await house.store.deadLetters(10)).toEqual([])
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  await settled()
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['later'])
})

test('M3: a dead letter that is retried goes back where it came from', async () => {
  const house = await asked(['c1'])
  house.platform('a').nextSend.push(failing(BLOCKED))
  await house.thoughts[0]?.answer('again')
  const [letter] = await house.store.deadLetters(10)
  const retried = await house.store.retryDeadLetter(letter?.id ?? 0)
  expect(retried).toMatchObject({ kind: 'reply', conversation: 'c1' })
  house.gateway.send({ type: 'outbox.owed', channel: 'a', conversation: 'c1' })
  await settled()
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['again'])
})
