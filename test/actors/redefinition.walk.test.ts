// A walk through newer files: channels come, go, change their tokens and break while people talk, at the hand of a seed.
//   S4. In the end every accepted message is answered exactly once. C2. No channel ever has two connections.

import { expect, test } from 'vitest'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { Store } from '../../src/store/store.ts'
import { testAgent } from '../support/definitions.ts'
import { type House, openHouse } from '../support/house.ts'
import { settled, type TestWorld, testWorld } from '../support/world.ts'

const IDS = ['a', 'b', 'c'] as const
const REFUSED = new FailureError({ kind: 'permanent', reason: 'unauthorized', message: 'refused' })
const DOWN = new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'down' })

interface Walk {
  readonly house: House
  readonly dice: TestWorld
  /** Texts of what was accepted. */
  readonly accepted: string[]
  readonly trail: string[]
}

test.each([1, 2, 3, 4])('S4 C2 C3: whatever the files say, seed %i', (seed) => expectWhole(seed, 150))

test('a broken store that forgets what a channel left behind is caught', async () => {
  const forgetful = (store: Store): Store => ({ ...store, unfinished: async () => [] })
  await expect(expectWhole(1, 150, forgetful)).rejects.toThrow()
})

async function expectWhole(seed: number, steps: number, wrap = (store: Store): Store => store): Promise<void> {
  const house = await openHouse({ channels: { a: {}, b: {}, c: {} }, gateway: { drainMs: 3_000 }, wrap })
  const walk: Walk = { house, dice: testWorld(seed), accepted: [], trail: [] }
  for (let step = 0; step < steps; step += 1) {
    await act(walk)
    expectSound(walk)
  }
  await end(walk)
  const sent = IDS.flatMap((id) => house.platform(id).sent.map(({ text }) => text))
  expect(sent.toSorted(), walk.trail.join('\n')).toEqual(walk.accepted.map((text) => `re: ${text}`).toSorted())
  expect((await house.store.counts()).messages).toMatchObject({ waiting: 0, answered: walk.accepted.length })
}

async function act(walk: Walk): Promise<void> {
  const { house, dice, trail } = walk
  const id = pick(walk, IDS)
  const roll = Math.floor(dice.random() * 100)
  if (roll < 30) return says(walk, id)
  if (roll < 50) return answers(walk)
  if (roll < 75) return redefines(walk)
  trail.push(`${roll} ${id}`)
  if (roll < 80) house.platform(id).nextProbe.push(() => Promise.reject(pick(walk, [REFUSED, DOWN])))
  else if (roll < 85) house.platform(id).nextRun.push(() => Promise.reject(pick(walk, [REFUSED, DOWN])))
  else if (roll < 90) await house.platform(id).breaks(DOWN)
  else if (roll < 95) await house.world.advance(pick(walk, [25, 500, 1_000, 5_000, 61_000]))
  else {
    const control = pick(walk, ['pause', 'resume', 'reconnect'] as const)
    house.gateway.send({ type: 'channel.control', channel: id, control })
    await settled()
  }
}

async function says({ house, dice, accepted, trail }: Walk, id: string): Promise<void> {
  if (!house.platform(id).isConnected) return
  const text = `${id} ${accepted.length}`
  trail.push(`says ${text}`)
  const reception = await house.says(id, text, { conversation: `c${Math.floor(dice.random() * 3)}` })
  if (reception.accepted) accepted.push(text)
}

async function answers({ house, dice, trail }: Walk): Promise<void> {
  const open = house.thoughts.filter((thought) => !thought.closed() && !answered.has(thought))
  const thought = open[Math.floor(dice.random() * open.length)]
  if (thought === undefined) return
  answered.add(thought)
  const text = thought.request.messages.map((message) => message.text).join(' + ')
  trail.push(`answers ${text}`)
  await thought.answer(`re: ${text}`)
}

const answered = new WeakSet<object>()

async function redefines(walk: Walk): Promise<void> {
  const named = IDS.filter(() => walk.dice.random() < 0.75)
  const ids = pick(walk, [['cfo', 'ops'], ['cfo']])
  const channels = Object.fromEntries(named.map((id) => [id, someDefinition(walk, id, pick(walk, ids))]))
  walk.trail.push(`redefines ${JSON.stringify(channels)}`)
  const instructions = pick(walk, ['answer', 'be brief'])
  const agents = ids.map((id) => testAgent(id, { instructions }))
  const concurrentRuns = pick(walk, [1, 2, 64])
  await walk.house.redefine({ channels, workforce: agents, gateway: { drainMs: 3_000, concurrentRuns } })
}

function someDefinition(walk: Walk, id: string, agent: string): Partial<ChannelDefinition> {
  const renewed = pick(walk, [1, 2])
  const routes = { default: agent, dm: null, group: null }
  return pick(walk, [
    {},
    { routes },
    { routes, token: { secret: `channels.${id}.token`, renewed } },
    { missing: ['TOKEN'] },
    { queueLimit: 1_000 },
  ])
}

/** What holds after every step. */
function expectSound({ house, trail }: Walk): void {
  const { status, context } = house.gateway.getSnapshot()
  const said = trail.join('\n')
  expect(status, said).toBe('active')
  expect(Object.keys(context.reports), said).toEqual(Object.keys(context.definition.channels))
  // The platform takes a second connection for a defect, and so would anything else that nobody foresaw be one.
  const defects = Object.values(context.reports).filter((report) => report?.failure?.kind === 'defect')
  expect(defects, said).toEqual([])
}

/** Everything is named again and works: what was accepted must come to an answer. */
async function end(walk: Walk): Promise<void> {
  const { house } = walk
  for (const id of IDS) {
    house.platform(id).nextProbe.length = 0
    house.platform(id).nextRun.length = 0
  }
  await house.redefine({ channels: { a: {}, b: {}, c: {} }, gateway: { drainMs: 3_000 } })
  for (let round = 0; round < 8; round += 1) {
    for (const channel of IDS) house.gateway.send({ type: 'channel.control', channel, control: 'resume' })
    await house.world.advance(61_000)
    await house.world.advance(25)
    let before = -1
    while (before !== house.thoughts.length) {
      before = house.thoughts.length
      for (let turn = 0; turn < 60; turn += 1) await answers(walk)
    }
  }
}

function pick<T>({ dice }: Pick<Walk, 'dice'>, choices: readonly T[]): T {
  const choice = choices[Math.floor(dice.random() * choices.length)]
  if (choice === undefined) throw new Error('there is nothing to choose from')
  return choice
}
