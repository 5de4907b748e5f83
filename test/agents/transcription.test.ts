// Transcription, against a strict server: what it is sent, how it is closed, and what is said when it fails.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { TranscriptionDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { MEDIA_MS_MAX } from '../../machines/limits.ts'
import { buildTranscription } from '../../src/agents/transcription.ts'
import { realWorld } from '../../src/world.ts'
import { testAgent } from '../support/definitions.ts'
import { oggVoice } from '../support/received.ts'
import { startSpeechServer } from '../support/speech-server.ts'
import { silentLog, testWorld } from '../support/world.ts'

const KEY = 'key-of-the-speech-server'
const SPEECH = { bytes: oggVoice(), mediaType: 'audio/ogg' }

async function open(given: Partial<TranscriptionDefinition> = {}, world = realWorld({})) {
  const server = await startSpeechServer({ key: KEY })
  onTestFinished(() => server.close())
  const apiKey = { secret: 'agents.cfo.transcription.api_key' }
  const shape = {
    provider: 'openai-compatible',
    name: 'whisper-1',
    baseUrl: server.baseUrl,
    apiKey,
    prices: null,
  } as const
  const transcription = { ...shape, ...given } as TranscriptionDefinition // as: a test gives the parts of one of them.
  const definition = testAgent('cfo', { transcription })
  return { server, built: await buildTranscription({ definition, secret: () => KEY, log: silentLog, world }) }
}

/** What its meter is told stands in `metered`. */
function listening(signal = never()) {
  const metered: string[] = []
  return { metered, signal, meter: { sent: () => metered.push('sent'), refused: () => metered.push('refused') } }
}

const never = (): AbortSignal => new AbortController().signal

async function failureOf(promise: Promise<unknown>): Promise<Failure & { said: string }> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  )
  if (!(thrown instanceof FailureError)) throw new Error(`no failure: ${String(thrown)}`)
  return { ...thrown.failure, said: `${thrown.stack} ${String(thrown.cause)}` }
}

test.each(['openai-compatible', 'openai'] as const)(
  '%s: one request with the file, its type and the key',
  async (provider) => {
    const { server, built } = await open({ provider })
    server.answer = () => ' buy milk '
    const asking = listening()
    expect(await built.transcribe(SPEECH, asking)).toEqual({ text: ' buy milk ', seconds: null, tokens: null })
    expect(asking.metered).toEqual(['sent'])
    expect(server.heard).toEqual([
      { model: 'whisper-1', fileName: 'audio.ogg', bytes: Buffer.from(SPEECH.bytes), key: KEY },
    ])
    expect(server.refused).toEqual([])
  },
)

describe('what it took is as its server says', () => {
  test.each([
    ['by time', { usage: { type: 'duration', seconds: 4 } }, { seconds: 4, tokens: null }],
    ['by time, in words of its own', { duration: 3.5 }, { seconds: 3.5, tokens: null }],
    [
      'in tokens',
      { usage: { type: 'tokens', input_tokens: 40, output_tokens: 5, total_tokens: 45 } },
      { seconds: null, tokens: { inputTokens: 40, outputTokens: 5 } },
    ],
  ])('%s', async (_, counted, told) => {
    const { server, built } = await open()
    server.answer = () => ({ text: 'buy milk', ...counted })
    expect(await built.transcribe(SPEECH, listening())).toEqual({ text: 'buy milk', ...told })
  })
})

test('a probe asks for the list of models and sends no speech', async () => {
  const { server, built } = await open()
  await built.probe(never())
  expect([server.probes, server.heard]).toEqual([1, []])
})

test('a server without a list of models is there when its route of transcriptions is', async () => {
  const asked: string[] = []
  const server = createServer(({ url = '' }, outgoing) => {
    asked.push(url)
    outgoing.writeHead(url === '/v1/audio/transcriptions' ? 405 : 404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // as: it listens
  const { built } = await open({ baseUrl: `http://127.0.0.1:${port}/v1` })
  await built.probe(never())
  expect(asked).toEqual(['/v1/models', '/v1/audio/transcriptions'])
})

describe('what fails is said in words, without the key', () => {
  test.each([
    [401, `wrong key ${KEY}`, 'permanent', "the transcription's credential was refused (401)"],
    [429, 'slow down', 'retryable', 'the transcription is asked more often than its provider allows (429)'],
    [500, 'oops', 'retryable', "the transcription's server has a problem of its own (500)"],
    [400, 'invalid file format', 'permanent', "the transcription's server does not take it"],
    [413, 'too large', 'permanent', "the transcription's server does not take it"],
  ] as const)('%d', async (status, message, kind, said) => {
    const { server, built } = await open()
    server.answer = () => ({ status, message })
    const asking = listening()
    const failure = await failureOf(built.transcribe(SPEECH, asking))
    expect(asking.metered).toEqual(['sent', 'refused'])
    expect(failure).toMatchObject({ kind, message: said })
    expect(JSON.stringify(failure)).not.toContain(KEY)
    expect(server.heard).toHaveLength(1)
  })

  test('a server that is away', async () => {
    const { server, built } = await open()
    await server.close()
    const asking = listening()
    expect(await failureOf(built.transcribe(SPEECH, asking))).toMatchObject({
      reason: 'unavailable',
      message: "the transcription's server can't be reached, or hung up",
    })
  })
})

test('an abort closes the request at once', async () => {
  const { server, built } = await open()
  const controller = new AbortController()
  const asking = listening(controller.signal)
  const transcribing = failureOf(built.transcribe(SPEECH, asking))
  await server.came(1)
  controller.abort()
  expect((await transcribing).reason).toBe('cancelled')
  expect(asking.metered).toEqual(['sent'])
  await server.left
})

test('S15 one that never answers ends at its deadline, and is closed', async () => {
  const world = testWorld()
  const { server, built } = await open({}, world)
  const transcribing = failureOf(built.transcribe(SPEECH, listening()))
  await server.came(1)
  await world.advance(MEDIA_MS_MAX)
  expect((await transcribing).reason).toBe('timeout')
  await server.left
})

test('the server catches what is no request for a transcription', async () => {
  const { server } = await open()
  const ask = (body: FormData, key = KEY) =>
    fetch(`${server.baseUrl}/audio/transcriptions`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${key}` },
    })
  const form = (name: string, field = 'model'): FormData => {
    const made = new FormData()
    made.append('file', new File(['x'], name))
    made.append(field, 'whisper-1')
    return made
  }
  const answers = [await ask(form('a.txt')), await ask(form('a.ogg', 'modell')), await ask(form('a.ogg'), 'other')]
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 401])
})
