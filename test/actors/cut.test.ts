// Cut: what requests took that have no answer, through the real actors and store: counted once, whatever ends them, and as an
// estimate where nobody told.

import { describe, expect, test } from 'vitest'
import { sessionAddress } from '../../machines/addresses.ts'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { NOTHING_USED, type UsageTotals } from '../../machines/usage.ts'
import { AnswerMeter } from '../../src/actors/answer-meter.ts'
import { Meters } from '../../src/actors/meters.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { type HeldThought, type House, type HouseOptions, openHouse } from '../support/house.ts'
import { recorder, unobserved } from '../support/observing.ts'
import { settled } from '../support/world.ts'

const MODEL: ModelDefinition = {
  ...{ provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' } },
  ...PLAIN_MODEL,
  prices: { inputPerMillion: 1_000_000, outputPerMillion: 10_000_000 },
}
const SPARE: ModelDefinition = { ...MODEL, name: 'b', prices: null }

const look: Tool = {
  ...{ name: 'look', description: 'looks', parameters: { type: 'object' }, changes: false, idempotent: true },
  call: async () => 'nothing',
}

const GIVEN: HouseOptions = { agents: { cfo: { model: MODEL, tools: ['look'] } }, tools: { look } }

const amount = (inputTokens: number, outputTokens: number, cost: number | null) => ({ inputTokens, outputTokens, cost })

/** What a request took that `begins` has begun: its provider told what it reads, and ten tokens of an answer had come. */
const CUT: UsageTotals = { ...NOTHING_USED, ...amount(100, 10, 200), estimated: amount(0, 10, 100) }
/** The same with an answer beside it. */
const CUT_AND_ANSWERED: UsageTotals = { ...CUT, runs: 1, ...amount(107, 13, 237) }

/** The newest thought is on its way. */
function begins(house: House): HeldThought {
  const thought = house.thoughts.at(-1)
  if (thought === undefined) throw new Error('nobody thinks')
  const { meter } = thought.request
  meter.sent(MODEL)
  meter.counted({ inputTokens: 100, outputTokens: null })
  meter.wrote('x'.repeat(30))
  return thought
}

async function answered(house: House): Promise<void> {
  await house.thoughts.at(-1)?.gives({ text: 'yes', usage: { inputTokens: 7, outputTokens: 3 } })
}

const used = (house: House): Promise<UsageTotals> => house.store.usageOfSession('a/c1', 1)

async function opened(given: HouseOptions = {}): Promise<House> {
  const house = await openHouse({ ...GIVEN, ...given })
  await house.says('a', 'hello')
  return house
}

const BROKEN = { kind: 'retryable', reason: 'unavailable', message: 'it broke off' } as const

interface Ending {
  /** So many runs came to a failure. */
  readonly runs: number
  readonly end: (house: House) => Promise<unknown>
  readonly given?: HouseOptions
}

/** Each ends the run whose request is open. */
const ENDINGS = {
  '/stop': { runs: 0, end: (house) => house.says('a', '/stop') },
  '/new': { runs: 0, end: (house) => house.says('a', '/new') },
  'a newer message': {
    runs: 0,
    end: (house) => house.says('a', 'no, this'),
    given: { channels: { a: { busyMode: 'interrupt' } } },
  },
  'a client that goes away': { runs: 0, end: (house) => leaves(house) },
  'the time of a run': { runs: 1, end: (house) => house.world.advance(600_000) },
  'a connection that breaks': { runs: 1, end: async (house) => house.thoughts[0]?.fail(new FailureError(BROKEN)) },
  'the end of the process': { runs: 0, end: (house) => drained(house), given: { gateway: { drainMs: 5_000 } } },
} as const satisfies Readonly<Record<string, Ending>>

const ALL: readonly (readonly [how: string, ending: Ending])[] = Object.entries(ENDINGS)

async function leaves(house: House): Promise<void> {
  const session: { send(event: unknown): void } | undefined = house.gateway.system.get(sessionAddress('a/c1'))
  session?.send({ type: 'message.withdrawn', seq: 1 })
  await settled()
}

async function drained(house: House): Promise<void> {
  house.gateway.send({ type: 'drain' })
  await house.world.advance(5_000)
}

describe('a request is cut by', () => {
  test.each(ALL)('%s: what it took is counted, with the end of its run', async (_, ending) => expectCounted(ending))

  test('a broken store that loses what was cut is caught', async () => {
    const wrap: HouseOptions['wrap'] = (store) => ({
      ...store,
      commit: ({ usage = [], ...rest }) => store.commit({ ...rest, usage: usage.filter((one) => one.runs > 0) }),
    })
    for (const [how, ending] of ALL)
      await expect(expectCounted({ ...ending, given: { ...ending.given, wrap } }), how).rejects.toThrow()
  })

  test('a broken count that takes it twice is caught', async () => {
    const wrap: HouseOptions['wrap'] = (store) => ({
      ...store,
      commit: ({ usage = [], ...rest }) => store.commit({ ...rest, usage: [...usage, ...usage] }),
    })
    for (const [how, ending] of ALL)
      await expect(expectCounted({ ...ending, given: { ...ending.given, wrap } }), how).rejects.toThrow()
  })
})

async function expectCounted({ runs, end, given = {} }: Ending): Promise<void> {
  const seen = recorder()
  const house = await opened({ ...given, observe: seen })
  const thought = begins(house)
  await house.says('a', '/status')
  expect(await used(house), 'what is open is not counted yet').toEqual(NOTHING_USED)
  await end(house)
  expect(thought.closed() || runs > 0).toBe(true)
  // Whatever comes of it later is nothing any more.
  thought.request.meter.wrote('x'.repeat(3_000))
  await thought.gives({ text: 'late', usage: { inputTokens: 9_000, outputTokens: 9_000 } })
  if (house.platform('a').isConnected) await house.says('a', '/stop')
  expect(await used(house)).toEqual({ ...CUT, runs })
  const rows = await house.store.usageOfPeople(0, null, 9)
  expect(rows).toEqual([{ agent: 'cfo', user: 'a/1', ...CUT, runs }])
  expect(seen.happenings.filter(({ kind }) => kind === 'tokens')).toEqual([
    { kind: 'tokens', session: 'a/c1', agent: 'cfo', input: 100, output: 10, estimated: { input: 0, output: 10 } },
  ])
}

describe('the transcript tells it at the end of the turn', () => {
  test.each([
    ['partial', '/stop'],
    ['failure', 'a connection that breaks'],
  ] as const)('%s', async (role, how) => {
    const house = await opened()
    begins(house)
    await ENDINGS[how].end(house)
    const entry = (await house.store.transcript('a/c1')).find((one) => one.role === role)
    expect(entry).toMatchObject({
      model: 'openai:a',
      spent: { ...amount(100, 10, 200), estimated: amount(0, 10, 100) },
    })
  })
})

test('/status and the budget know of it: who stops every answer is told so, too', async () => {
  const house = await opened({ agents: { cfo: { model: MODEL, budget: { tokensPerDay: 220, per: 'user' } } } })
  begins(house)
  await house.says('a', '/stop')
  await house.says('a', '/status')
  const sent = () => house.platform('a').sent.map(({ text }) => text.split('\n').at(-1))
  expect(sent()[1]).toBe('Used today: 110 tokens (100 in, 10 out; 10 estimated) in 0 runs, cost 200.00')
  await house.says('a', 'again')
  begins(house)
  await house.says('a', '/stop')
  await house.says('a', 'and again')
  expect(house.thoughts).toHaveLength(2)
  expect(sent().at(-1)).toContain('your budget of 220 tokens a day is used up')
})

test('a provider that told nothing: what was read is estimated too; a request that was refused took nothing', async () => {
  const house = await opened({ agents: { cfo: { model: MODEL, instructions: 'x'.repeat(300) } } })
  const { meter } = house.thoughts[0]!.request
  meter.sent(MODEL)
  await house.says('a', '/stop')
  // A hundred of the instructions, and the message.
  expect(await used(house)).toMatchObject({ inputTokens: 106, outputTokens: 0, estimated: { inputTokens: 106 } })
  await house.says('a', 'again')
  house.thoughts[1]!.request.meter.sent(MODEL)
  house.thoughts[1]!.request.meter.refused()
  await house.says('a', '/stop')
  expect(await used(house)).toMatchObject({ inputTokens: 106 })
})

test('an answer that nobody counted is estimated; one that is counted leaves no estimate behind', async () => {
  const house = await opened()
  await begins(house).gives({ text: 'yes', usage: { inputTokens: 7, outputTokens: 3 } })
  expect(await used(house)).toEqual({ ...NOTHING_USED, runs: 1, ...amount(7, 3, 37) })
  await house.says('a', 'again')
  await begins(house).answer('yes')
  expect(await used(house)).toEqual({ ...CUT, runs: 2, ...amount(107, 13, 237) })
  expect((await house.store.transcript('a/c1')).at(-1)).toMatchObject({ spent: { estimated: amount(0, 10, 100) } })
})

test('a model that broke off and the one that answered in its place: each at its own price', async () => {
  const house = await opened({ agents: { cfo: { model: MODEL, fallbackModels: [SPARE] } } })
  const thought = begins(house)
  thought.request.meter.sent(SPARE)
  await thought.gives({ text: 'yes', usage: { inputTokens: 7, outputTokens: 3 }, model: SPARE })
  expect(await used(house)).toEqual({ ...CUT_AND_ANSWERED, cost: 200 })
  expect((await house.store.transcript('a/c1')).at(-1)).toMatchObject({ model: 'openai:b', spent: amount(7, 3, null) })
})

test('a summary that is cut counts like an answer', async () => {
  const model = { ...MODEL, contextTokens: 1_000 }
  const seen = recorder()
  const house = await opened({ agents: { cfo: { instructions: '', model } }, observe: seen })
  await house.thoughts[0]?.answer('y'.repeat(1_470))
  await house.says('a', `two ${'y'.repeat(1_470)}`)
  await begins(house).fail(new FailureError(BROKEN))
  expect(seen.happenings, 'at once, while the run goes on').toMatchObject([{ kind: 'tokens', input: 100, output: 10 }])
  await answered(house)
  expect(await used(house)).toEqual({ ...CUT_AND_ANSWERED, runs: 2 })
})

describe('U1: an amount is in one commit', () => {
  const STORAGE = { kind: 'retryable', reason: 'storage', message: 'the disk is full' } as const

  /** Refuses the next so many. */
  function refusing() {
    const disk = { refuses: 0 }
    const wrap: HouseOptions['wrap'] = (store) => ({
      ...store,
      async commit(commit) {
        disk.refuses -= 1
        if (disk.refuses >= 0) throw new FailureError(STORAGE)
        await store.commit(commit)
      },
    })
    return { disk, wrap }
  }

  test('the disk does not take a /stop: the session begins anew, and what was cut is counted with what comes then', async () => {
    const { disk, wrap } = refusing()
    const house = await opened({ wrap })
    begins(house)
    disk.refuses = 1
    await house.says('a', '/stop')
    expect(await used(house)).toEqual(NOTHING_USED)
    // From what is on disk: the message, and then the /stop that ends its second run, of which nothing has come yet.
    await house.world.advance(10_000)
    expect(house.platform('a').sent.map(({ text }) => text)).toEqual(['Stopped.'])
    expect(await used(house)).toEqual(CUT)
  })

  test('the disk does not take the end of a turn: it is written again, and counted once', async () => {
    const { disk, wrap } = refusing()
    const house = await opened({ wrap })
    disk.refuses = 2
    await begins(house).fail(new FailureError(BROKEN))
    expect(await used(house)).toEqual(NOTHING_USED)
    for (let again = 0; again < 2; again += 1) await house.world.advance(10_000)
    expect(await used(house)).toEqual({ ...CUT, runs: 1 })
  })

  test('a defect breaks the run: what it took is in the commit of the next one', async () => {
    const house = await opened()
    await begins(house).fail(new TypeError('a mistake of ours'))
    await house.world.advance(10_000)
    await answered(house)
    expect(await used(house)).toEqual(CUT_AND_ANSWERED)
  })

  test('the process is killed: what was open is on nobody’s account, and what is asked again counts by itself', async () => {
    const house = await opened()
    begins(house)
    house.kill()
    await settled()
    const again = await openHouse({ ...GIVEN, store: house.store, world: house.world })
    expect(await used(again)).toEqual(NOTHING_USED)
    await answered(again)
    expect(await used(again)).toEqual({ ...NOTHING_USED, runs: 1, ...amount(7, 3, 37) })
  })

  test('the process ends in order: what was cut and what is asked again after the next start count once each', async () => {
    const house = await opened({ gateway: { drainMs: 5_000 } })
    begins(house)
    await drained(house)
    house.kill()
    const again = await openHouse({ ...GIVEN, store: house.store, world: house.world })
    await answered(again)
    expect(await used(again)).toEqual(CUT_AND_ANSWERED)
  })

  test('an answer that came in the moment of the end is in it, and not again in what follows', () => {
    const meters = new Meters()
    const account = { day: 1, agent: 'cfo', user: 'a/1' }
    const of = { session: 's', turn: 't', account, observe: unobserved }
    const opened = () => meters.open(of, (owner) => new AnswerMeter(owner, () => 5))
    const [one, other] = [opened(), opened()]
    one.sent(MODEL)
    one.answered({ usage: { inputTokens: 7, outputTokens: 3 } }, MODEL)
    other.sent(MODEL)
    expect(meters.take('s', 'over').map(({ spent }) => spent?.inputTokens)).toEqual([7])
    const taken = meters.take('s', 'all')
    expect(taken.map(({ spent, isCut }) => [spent?.inputTokens, isCut])).toEqual([[5, true]])
    other.sent(MODEL)
    other.counted({ inputTokens: 9, outputTokens: 9 })
    other.wrote('more')
    expect(other.answered({ usage: { inputTokens: 9, outputTokens: 9 } }, MODEL).spent).toMatchObject({
      inputTokens: 9,
    })
    other.cut()
    expect(meters.take('s', 'all')).toEqual([])
    meters.putBack('s', taken)
    expect(meters.take('s', 'over')).toEqual(taken)
  })
})
