// Speech, through the real actors and store: what it took to make text of it is counted once for each time that it was asked for, and
// budgets know of it.

import { describe, expect, test } from 'vitest'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { MEDIA_MS_MAX } from '../../machines/limits.ts'
import { type Attachment, UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import type { Heard } from '../../machines/speech.ts'
import { NOTHING_USED, type UsageTotals } from '../../machines/usage.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { recorder } from '../support/observing.ts'
import { oggVoice, type TestFolders, testFolders } from '../support/received.ts'
import { settled } from '../support/world.ts'

const voice: Attachment = { ...UNKNOWN_ATTACHMENT, kind: 'voice', reference: 'v1', mediaType: 'audio/ogg', seconds: 12 }

const HEARS: Partial<AgentDefinition> = {
  transcription: {
    ...{ provider: 'openai', name: 'whisper-1', baseUrl: null, apiKey: { secret: 'k' } },
    prices: { perMinute: 60, inputPerMillion: 0, outputPerMillion: 0 },
  },
}

/** Its server counts by time. */
const HEARD: Heard = { text: 'buy milk', seconds: 10, tokens: null }
const USED: UsageTotals = {
  ...{ ...NOTHING_USED, inputTokens: 100, outputTokens: 3, cost: 10, speechSeconds: 10 },
  estimated: { inputTokens: 100, outputTokens: 3, cost: 0 },
}
/** Cut, with nothing but the word of its platform. */
const CUT: UsageTotals = {
  ...{ ...NOTHING_USED, inputTokens: 120, cost: 12, speechSeconds: 12 },
  estimated: { inputTokens: 120, outputTokens: 0, cost: 12 },
}

type Transcribe = NonNullable<HouseOptions['transcribe']>

const hears: Transcribe = async (_, { meter }) => {
  meter.sent()
  return HEARD
}
/** Until it is ended. */
const hangs: Transcribe = (_, { meter, signal }) => {
  meter.sent()
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new FailureError(ENDED)))
  })
}
const ENDED = { kind: 'permanent', reason: 'cancelled', message: 'it was ended' } as const
const STORAGE = { kind: 'retryable', reason: 'storage', message: 'the disk is full' } as const

function house(transcribe: Transcribe, more: HouseOptions = {}): Promise<House> {
  return openHouse({ files: new Map([['v1', oggVoice()]]), agents: { cfo: HEARS }, ...more, transcribe })
}

async function says(opened: House, attachments: Attachment[] = [voice]): Promise<void> {
  await opened.says('a', '', { attachments })
}

const used = (opened: House): Promise<UsageTotals> => opened.store.usageOfSession('a/c1', 1)

test('by session, person and agent, before the run that it is for; once', async () => {
  await expectCounted({})
})

test('a broken store that loses what was heard is caught', async () => {
  const wrap: HouseOptions['wrap'] = (store) => ({ ...store, commit: ({ usage: _, ...rest }) => store.commit(rest) })
  await expect(expectCounted({ wrap })).rejects.toThrow()
})

async function expectCounted(more: HouseOptions): Promise<void> {
  const seen = recorder()
  const opened = await house(hears, { ...more, observe: seen })
  await says(opened)
  expect(opened.thoughts).toHaveLength(1)
  expect(await used(opened)).toEqual(USED)
  await opened.thoughts[0]?.answer('yes')
  expect(await used(opened)).toEqual({ ...USED, runs: 1 })
  expect(await opened.store.usageOfPeople(0, null, 9)).toEqual([{ agent: 'cfo', user: 'a/1', ...USED, runs: 1 }])
  expect(seen.happenings).toEqual([
    { kind: 'tokens', session: 'a/c1', agent: 'cfo', input: 100, output: 3, estimated: { input: 100, output: 3 } },
    { kind: 'speech', session: 'a/c1', agent: 'cfo', seconds: 10 },
  ])
}

test('/status tells it, and a budget is used up by it', async () => {
  const opened = await house(hears, { agents: { cfo: { ...HEARS, budget: { tokensPerDay: 100, per: 'user' } } } })
  await says(opened)
  await opened.thoughts[0]?.answer('yes')
  await opened.says('a', '/status')
  await opened.says('a', 'more')
  const [, status, over] = opened.platform('a').sent.map(({ text }) => text)
  expect(status).toContain('Used today: 103 tokens (100 in, 3 out; 103 estimated) in 1 run, 10 s of speech, cost 10.00')
  expect(over).toContain('your budget of 100 tokens a day is used up')
  expect(opened.thoughts).toHaveLength(1)
})

test('several in one turn are counted each, and the run begins once', async () => {
  const opened = await house(hears, { files: new Map(['v1', 'v2'].map((name) => [name, oggVoice(name)])) })
  await says(opened, [voice, { ...voice, reference: 'v2' }])
  expect(await used(opened)).toMatchObject({ inputTokens: 200, speechSeconds: 20, cost: 20 })
  expect(opened.thoughts).toHaveLength(1)
})

describe('a request that is cut', () => {
  test.each([
    ['/stop', (opened: House) => opened.says('a', '/stop')],
    ['/new', (opened: House) => opened.says('a', '/new')],
    ['its deadline', (opened: House) => opened.world.advance(MEDIA_MS_MAX)],
    ['the end of the process', async (opened: House) => (opened.gateway.send({ type: 'drain' }), settled())],
  ] as const)('by %s: counted once, as an estimate', async (_, end) => {
    const opened = await house(hangs)
    await says(opened)
    expect(await used(opened)).toEqual(NOTHING_USED)
    await end(opened)
    await opened.world.advance(1_000)
    expect(await used(opened)).toEqual(CUT)
    expect(opened.thoughts).toHaveLength(0)
  })

  test('by its own connection: at once, whatever else of its turn goes on', async () => {
    const seen = recorder()
    let asked = 0
    const transcribe: Transcribe = (...of) => {
      asked += 1
      if (asked === 2) return hangs(...of)
      of[1].meter.sent()
      return Promise.reject(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'it broke off' }))
    }
    const files = new Map(['v1', 'v2'].map((name) => [name, oggVoice(name)]))
    const opened = await house(transcribe, { files, observe: seen })
    await says(opened, [voice, { ...voice, reference: 'v2' }])
    expect(seen.happenings).toMatchObject([
      { kind: 'tokens', input: 120 },
      { kind: 'speech', seconds: 12 },
    ])
    await opened.says('a', '/stop')
    expect(await used(opened)).toMatchObject({ inputTokens: 240, speechSeconds: 24 })
  })

  test('that was refused, or never sent, took nothing', async () => {
    const refused: Transcribe = async (_, { meter }) => {
      meter.sent()
      meter.refused()
      throw new FailureError({ kind: 'permanent', reason: 'unauthorized', message: 'its key was refused' })
    }
    const unsent: Transcribe = () => Promise.reject(new FailureError(ENDED))
    for (const transcribe of [refused, unsent]) {
      const opened = await house(transcribe)
      await says(opened)
      await opened.says('a', '/stop')
      expect(await used(opened)).toMatchObject({ inputTokens: 0, speechSeconds: 0 })
    }
  })
})

describe('U1: an amount is in one commit', () => {
  /** The process is killed when the text of the speech is to be kept, or right before that is counted. */
  async function killedAt(place: 'count' | 'keep') {
    let asked = 0
    const folders: TestFolders = testFolders()
    const dead = new Promise<never>(() => {})
    const transcribe: Transcribe = async (...of) => {
      asked += 1
      return hears(...of)
    }
    const halting: TestFolders = {
      ...folders,
      open: async (of) => {
        const received = await folders.open(of)
        return { ...received, keep: (name, fill) => (name.endsWith('.txt') ? dead : received.keep(name, fill)) }
      },
    }
    const wrap: HouseOptions['wrap'] = (store) => ({
      ...store,
      commit: (commit) => ((commit.usage ?? []).length > 0 ? dead : store.commit(commit)),
    })
    const first = await house(transcribe, place === 'keep' ? { folders: halting } : { folders, wrap })
    await says(first)
    first.kill()
    const second = await house(transcribe, { folders, store: first.store, world: first.world })
    expect(second.thoughts).toHaveLength(1)
    return { asked, used: await used(second) }
  }

  test('killed before that: asked again, and counted for the second time alone', async () => {
    expect(await killedAt('count')).toEqual({ asked: 2, used: USED })
  })

  test('killed after that: asked again, and counted again, as its server does', async () => {
    const twice = { ...USED, inputTokens: 200, outputTokens: 6, cost: 20, speechSeconds: 20 }
    expect(await killedAt('keep')).toEqual({
      asked: 2,
      used: { ...twice, estimated: { inputTokens: 200, outputTokens: 6, cost: 0 } },
    })
  })

  test('a crash behind it asks nobody again, and counts nothing again', async () => {
    const folders = testFolders()
    const first = await house(hears, { folders })
    await says(first)
    first.kill()
    const second = await house(() => Promise.reject(new Error('asked again')), { folders, store: first.store })
    expect(second.thoughts).toHaveLength(1)
    expect(await used(second)).toEqual(USED)
  })

  test('the disk does not take it: the run goes on, and it is counted with its turn', async () => {
    let refuses = 1
    const wrap: HouseOptions['wrap'] = (store) => ({
      ...store,
      async commit(commit) {
        refuses -= 1
        if (refuses >= 0) throw new FailureError(STORAGE)
        await store.commit(commit)
      },
    })
    const opened = await house(hears, { wrap })
    await says(opened)
    expect(await used(opened)).toEqual(NOTHING_USED)
    await opened.thoughts[0]?.answer('yes')
    expect(await used(opened)).toEqual({ ...USED, runs: 1 })
  })
})
