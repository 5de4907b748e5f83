// Media, through the real actors: what a run is given of files that people sent, and what their sender is told.

import { describe, expect, test } from 'vitest'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { MEDIA_MS_MAX } from '../../machines/limits.ts'
import { type Attachment, UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { jpeg, oggVoice, testFolders, zip } from '../support/received.ts'
import { held, settled } from '../support/world.ts'

const voice: Attachment = { ...UNKNOWN_ATTACHMENT, kind: 'voice', reference: 'v1', mediaType: 'audio/ogg', seconds: 3 }
const photo: Attachment = { ...UNKNOWN_ATTACHMENT, kind: 'image', reference: 'p1', mediaType: 'image/jpeg' }
const report: Attachment = { ...UNKNOWN_ATTACHMENT, kind: 'document', reference: 'd1', name: 'report.csv', bytes: 10 }

const openai = { provider: 'openai', name: 'gpt-4o', baseUrl: null, apiKey: { secret: 'k' }, ...PLAIN_MODEL } as const
const SEES: Partial<AgentDefinition> = { model: openai }
const READS: Partial<AgentDefinition> = { model: { ...openai, name: 'gpt-3.5-turbo' } }
const HEARS: Partial<AgentDefinition> = {
  transcription: { provider: 'openai', name: 'whisper-1', baseUrl: null, apiKey: { secret: 'k' }, prices: null },
}

const OPENS = {
  ...{ name: 'files_read', description: '', parameters: { type: 'object' }, changes: false, idempotent: true },
  call: async () => '',
}

function house(agent: Partial<AgentDefinition>, more: HouseOptions = {}): Promise<House> {
  const photos = ['p1', 'p2', 'p3'].map((name): [string, Uint8Array] => [name, jpeg(name)])
  const files = new Map([['v1', oggVoice()], ['d1', Buffer.from('a,b\r\n1,2\r\n')], ...photos])
  return openHouse({ files, ...more, agents: { cfo: agent } })
}

const asked = (opened: House, run = 0) => opened.thoughts[run]?.request.messages.map(({ text }) => text)
const shown = (opened: House, run = 0) =>
  opened.thoughts[run]?.request.messages.flatMap((message) => (message.shown ?? []).map(({ bytes }) => bytes))
const told = (opened: House) => opened.platform('a').sent.map(({ text }) => text)

describe('what a run is given', () => {
  test('a voice message is its text, in the history too', async () => {
    const opened = await house(HEARS, { transcribe: async () => ' buy milk ' })
    await opened.says('a', '', { attachments: [voice] })
    expect(asked(opened)).toEqual(['[voice message, 0:03] buy milk'])
    await opened.thoughts[0]?.answer('done')
    await opened.says('a', 'and then?')
    expect(opened.thoughts[1]?.request.history.map(({ text }) => text)).toEqual([
      '[voice message, 0:03] buy milk',
      'done',
    ])
    expect(told(opened)).toEqual(['done'])
  })

  test('what is transcribed is what was fetched, with its type', async () => {
    const heard: unknown[] = []
    const opened = await house(HEARS, { transcribe: async (speech) => (heard.push(speech), 'hm') })
    await opened.says('a', '', { attachments: [{ ...voice, mediaType: 'text/html' }] })
    expect(heard).toEqual([{ bytes: oggVoice(), mediaType: 'audio/ogg' }])
  })

  test('S24: an album is one turn with all of its pictures in their order', async () => {
    const opened = await house(SEES)
    for (const [index, reference] of ['p1', 'p2', 'p3'].entries()) {
      const attachments = [{ ...photo, reference }]
      await opened.says('a', index === 0 ? 'which is best?' : '', { album: 'al', attachments })
    }
    await opened.world.advance(1_000)
    expect(opened.thoughts).toHaveLength(1)
    expect(asked(opened)).toEqual(['which is best?\n[picture]\n[picture]\n[picture]'])
    expect(shown(opened)).toEqual(['p1', 'p2', 'p3'].map(jpeg))
  })

  test('a document is its text', async () => {
    const opened = await house(READS)
    await opened.says('a', 'sum it up', { attachments: [report] })
    expect(asked(opened)).toEqual(['sum it up\n[document report.csv, 10 bytes]\na,b\n1,2\n[end of the document]'])
  })

  test('what is not text is named with its place to an agent whose tools open files', async () => {
    const opened = await house({ ...READS, tools: ['files'] }, { tools: { files: OPENS } })
    opened.platform('a').files.set('d1', zip())
    await opened.says('a', 'unpack it', { attachments: [{ ...report, name: '../../etc/passwd' }] })
    expect(asked(opened)?.[0]).toMatch(/^unpack it\n\[document passwd, 10 bytes: received\/1-1-\w{5}-passwd\]$/)
    expect(told(opened)).toEqual([])
  })

  test('a location is told in a word, and nothing is fetched', async () => {
    const opened = await house(READS)
    await opened.says('a', '', { attachments: [{ ...UNKNOWN_ATTACHMENT, name: 'location' }] })
    expect(asked(opened)).toEqual(['[location]'])
    expect(opened.platform('a').fetched).toEqual([])
  })

  test('a picture is shown again while people ask on about it, and then no more', async () => {
    const opened = await house(SEES)
    await opened.says('a', 'what is it?', { attachments: [photo] })
    for (let turn = 0; turn < 5; turn += 1) {
      await opened.thoughts[turn]?.answer(`answer ${turn}`)
      await opened.says('a', `and ${turn}?`)
    }
    const again = opened.thoughts.map(({ request }) => request.history.flatMap((entry) => entry.shown ?? []).length)
    expect(again).toEqual([0, 1, 1, 1, 0, 0])
    expect(opened.platform('a').fetched).toEqual(['p1'])
  })

  test('/retry shows what the turn had', async () => {
    const opened = await house(SEES)
    await opened.says('a', 'what is it?', { attachments: [photo] })
    await opened.thoughts[0]?.answer('a cat')
    await opened.says('a', '/retry')
    expect(asked(opened, 1)).toEqual(['what is it?\n[picture]'])
    expect(shown(opened, 1)).toEqual([jpeg('p1')])
  })

  test('with busy_mode steer a photo waits for a turn of its own, and does not interrupt with busy_mode interrupt', async () => {
    for (const busyMode of ['steer', 'interrupt'] as const) {
      const opened = await house(SEES, { channels: { a: { busyMode } } })
      await opened.says('a', 'first')
      await opened.says('a', 'and this?', { attachments: [photo] })
      expect(opened.thoughts).toHaveLength(1)
      await opened.thoughts[0]?.answer('done')
      expect(shown(opened, 1)).toEqual([jpeg('p1')])
    }
  })
})

test('a photo is not given to a run between its answers: it is read before a turn of its own', async () => {
  const channels = { a: { busyMode: 'steer' } } as const
  const opened = await house({ ...SEES, tools: ['files'] }, { tools: { files: OPENS }, channels })
  await opened.says('a', 'first')
  await opened.says('a', 'and this?', { attachments: [photo] })
  await opened.says('a', 'quickly')
  await opened.thoughts[0]?.asks({ id: 'c1', tool: 'files_read', input: {} })
  const steps = opened.thoughts[1]?.request.steps ?? []
  expect(steps.flatMap((step) => (step.kind === 'steering' ? step.messages : [])).map(({ text }) => text)).toEqual([
    'quickly',
  ])
  await opened.thoughts[1]?.answer('done')
  expect(asked(opened, 2)?.[0]).toMatch(/^and this\?\n\[picture: received\//)
  expect(shown(opened, 2)).toEqual([jpeg('p1')])
})

test('the echo model hears what is said with a picture or a document, and nobody minds the rest', async () => {
  const opened = await house({})
  for (const attachments of [[photo], [report]]) await opened.says('a', 'look', { attachments })
  await opened.says('a', '', { attachments: [photo] })
  for (const run of [0, 1, 2]) await opened.thoughts[run]?.answer('seen')
  expect([0, 1, 2].map((run) => asked(opened, run))).toEqual([['look'], ['look'], ['[picture]']])
  expect([told(opened), opened.platform('a').fetched]).toEqual([['seen', 'seen', 'seen'], []])
})

describe('what cannot be read', () => {
  test('is told to its sender with the answer, and the turn goes on with what there is', async () => {
    const opened = await house(READS)
    await opened.says('a', 'what is it?', { attachments: [photo] })
    expect(asked(opened)).toEqual(['what is it?\n[picture, could not be read]'])
    await opened.thoughts[0]?.answer('I cannot say')
    expect(told(opened)).toEqual([
      'The picture could not be read: this agent’s model takes no pictures. Say in words what it shows.',
      'I cannot say',
    ])
    expect(opened.platform('a').fetched).toEqual([])
  })

  test('alone ends the turn: no model is asked for nothing', async () => {
    const opened = await house(READS)
    await opened.says('a', '', { attachments: [voice] })
    expect(opened.thoughts).toHaveLength(0)
    expect(told(opened)).toEqual([
      'I could not answer: the voice message, 0:03 could not be read: this agent has no transcription. Write it as text.',
    ])
    expect(opened.census()).toMatchObject({ idle: 1, pending: 0, running: 0 })
    await opened.says('a', 'hello')
    expect(opened.thoughts[0]?.request.history.map(({ text }) => text)).toEqual(['[voice message, 0:03]'])
  })

  test('S15 preparation throws: the sender is told, the next message runs normally', async () => {
    const refused = new FailureError({ kind: 'permanent', reason: 'unauthorized', message: 'its key was refused' })
    const opened = await house(HEARS, { transcribe: () => Promise.reject(refused) })
    await opened.says('a', '', { attachments: [voice] })
    expect(told(opened)).toEqual([
      'I could not answer: the voice message, 0:03 could not be read: its key was refused. Write it as text.',
    ])
    await opened.says('a', 'hello')
    expect(asked(opened)).toEqual(['hello'])
  })

  test('S15 preparation hangs: it ends at its deadline, the sender is told, the session is free', async () => {
    const opened = await house(HEARS)
    let closed = false
    opened.platform('a').nextFetch.push(({ signal }) => {
      signal.addEventListener('abort', () => (closed = true))
      return held<void>().promise
    })
    await opened.says('a', '', { attachments: [voice] })
    await opened.world.advance(MEDIA_MS_MAX - 1)
    expect([closed, told(opened)]).toEqual([false, []])
    await opened.world.advance(1)
    expect(closed).toBe(true)
    expect(told(opened)[0]).toContain('it was not there within 45 seconds. Send it again.')
    expect(opened.census()).toMatchObject({ idle: 1, pending: 0 })
  })

  test('of two, one that hangs does not keep the other from the run', async () => {
    const opened = await house(READS)
    opened.platform('a').nextFetch.push(() => held<void>().promise)
    await opened.says('a', '', { attachments: [{ ...report, reference: 'hangs' }, report] })
    await opened.world.advance(MEDIA_MS_MAX)
    expect(asked(opened)?.[0]).toContain('a,b\n1,2')
    expect(asked(opened)?.[0]).toContain('could not be read')
  })

  test('a platform that is away for a moment is asked once more, and no more', async () => {
    const away = new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'it is away' })
    const opened = await house(READS)
    opened.platform('a').nextFetch.push(() => Promise.reject(away))
    await opened.says('a', '', { attachments: [report] })
    await opened.world.advance(1_000)
    expect(asked(opened)).toHaveLength(1)
    opened.platform('a').nextFetch.push(...[1, 2].map(() => () => Promise.reject(away)))
    await opened.thoughts[0]?.answer('read')
    await opened.says('a', '', { attachments: [report] })
    await opened.world.advance(1_000)
    expect(opened.platform('a').fetched).toHaveLength(4)
    expect(told(opened).at(-1)).toContain('it is away')
  })
})

describe('S13 while files are prepared', () => {
  test('a second message makes no second run, and is answered after it', async () => {
    const hearing = held<string>()
    const opened = await house(HEARS, { transcribe: () => hearing.promise })
    await opened.says('a', '', { attachments: [voice] })
    await opened.world.advance(50)
    await opened.says('a', 'second')
    await opened.world.advance(5_000)
    expect(opened.thoughts).toHaveLength(0)
    hearing.resolve('first')
    await settled()
    expect(asked(opened)).toEqual(['[voice message, 0:03] first'])
    await opened.thoughts[0]?.answer('one')
    await opened.thoughts[1]?.answer('two')
    expect(told(opened)).toEqual(['one', 'two'])
  })

  test('/stop closes the download and the request, and nothing of them is kept', async () => {
    for (const at of ['fetch', 'transcription'] as const) {
      const folders = testFolders()
      const signals: AbortSignal[] = []
      const hang = ({ signal }: { signal: AbortSignal }): Promise<never> => {
        signals.push(signal)
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('closed'))))
      }
      const opened = await house(HEARS, { folders, transcribe: (_, asking) => hang(asking) })
      if (at === 'fetch') opened.platform('a').nextFetch.push(hang)
      await opened.says('a', '', { attachments: [voice] })
      expect(signals.map(({ aborted }) => aborted)).toEqual([false])
      await opened.says('a', '/stop')
      expect(signals.map(({ aborted }) => aborted)).toEqual([true])
      expect(told(opened)).toEqual(['Stopped.'])
      expect(folders.files.size).toBe(at === 'fetch' ? 0 : 1)
      expect(opened.world.pending().filter((ms) => ms <= MEDIA_MS_MAX)).toEqual([])
    }
  })

  test('a crash between fetch and run: nothing is fetched or transcribed twice', async () => {
    const folders = testFolders()
    let heard = 0
    const transcribe = async (): Promise<string> => `heard ${(heard += 1)}`
    const first = await house(HEARS, { folders, transcribe })
    await first.says('a', '', { attachments: [voice] })
    expect(asked(first)).toEqual(['[voice message, 0:03] heard 1'])
    first.kill()
    const second = await house(HEARS, { folders, transcribe, store: first.store })
    expect(asked(second)).toEqual(['[voice message, 0:03] heard 1'])
    expect([first.platform('a').fetched, second.platform('a').fetched, heard]).toEqual([['v1'], [], 1])
  })

  test('a channel that gets no connection holds nobody for ever', async () => {
    const first = await house(READS)
    first.platform('a').nextFetch.push(() => held<void>().promise)
    await first.says('a', '', { attachments: [report] })
    first.kill()
    const channels = { a: { platform: 'nowhere' } }
    const second = await house(READS, { store: first.store, channels })
    for (let ms = 0; ms < MEDIA_MS_MAX; ms += 100) await second.world.advance(100)
    expect(second.census()).toMatchObject({ idle: 1, pending: 0 })
    expect(second.thoughts).toHaveLength(0)
  })

  test('a shutdown while they are fetched: the message is there after the restart', async () => {
    const first = await house(READS)
    first.platform('a').nextFetch.push(() => held<void>().promise)
    await first.says('a', 'read it', { attachments: [report] })
    first.gateway.send({ type: 'drain' })
    await settled()
    first.kill()
    const second = await house(READS, { store: first.store })
    // Its message is back before its channel is connected.
    await second.world.advance(100)
    await second.thoughts[0]?.answer('done')
    expect(asked(second)?.[0]).toContain('a,b')
    expect(told(second)).toEqual(['done'])
  })
})
