// Completion files: pictures, recordings and documents in requests of the OpenAI API: which of them reach an agent, and why others do not.

import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Question } from '../../machines/openai.ts'
import type { CompletionEnd } from '../../src/http/completions-port.ts'
import { jpeg, oggVoice, pdf } from '../support/received.ts'
import { ask, closeAll, type Running, start } from './client.ts'

afterAll(closeAll)

const starting = start()
let running: Running
beforeEach(async () => {
  running = await starting
  running.gateway.uploads.files.clear()
  running.gateway.uploads.released.splice(0)
})

const YES: CompletionEnd = { kind: 'answered', text: 'yes', spent: { inputTokens: 1, outputTokens: 1 } }

interface Given {
  readonly headers?: Record<string, string>
  readonly duplicate?: boolean
  readonly end?: () => Promise<CompletionEnd>
}

async function complete(messages: readonly object[], { headers = {}, duplicate = false, end }: Given = {}) {
  let question: Question | null = null
  running.gateway.agents = {
    models: () => [{ id: 'cfo', sinceMs: 0 }],
    lacks: () => null,
    async ask(asked, hearing) {
      question = asked
      if (end !== undefined) return end()
      hearing.accepted({ seq: 1, duplicate })
      return YES
    },
  }
  const answer = await ask(`${running.server.url}/v1/chat/completions`, { headers, json: { model: 'cfo', messages } })
  const { attachments = [], ...said } = (question ?? {}) as Partial<Question>
  return { ...answer, said, attachments }
}

const dataUrl = (bytes: Uint8Array, type = ''): string => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`
const picture = (bytes: Uint8Array | string) => ({
  type: 'image_url',
  image_url: { url: typeof bytes === 'string' ? bytes : dataUrl(bytes, 'image/png'), detail: 'low' },
})
const user = (...content: (object | string)[]) => ({
  role: 'user',
  content: content.map((part) => (typeof part === 'string' ? { type: 'text', text: part } : part)),
})
const assistant = { role: 'assistant', content: 'yes' }
/** What is on disk of each, in the order in which the agent has them. */
const kept = (attachments: Question['attachments']) =>
  attachments.map(({ reference }) => running.gateway.uploads.files.get(reference ?? ''))

describe('what reaches an agent', () => {
  test('a picture, a recording and a document, each by its first bytes, and nothing else is on disk', async () => {
    const { status, said, attachments } = await complete([
      user(
        'look',
        picture(jpeg()),
        { type: 'input_audio', input_audio: { data: Buffer.from(oggVoice()).toString('base64'), format: 'wav' } },
        { type: 'file', file: { file_data: dataUrl(pdf(), 'application/pdf'), filename: 'ü.pdf' } },
        { type: 'input_audio', input_audio: { data: Buffer.from('no known sound').toString('base64'), format: 'mp3' } },
      ),
    ])
    expect(status).toBe(200)
    expect(said).toMatchObject({ text: 'look', earlier: [] })
    expect(attachments.map(({ kind, name, mediaType }) => [kind, name, mediaType])).toEqual([
      ['image', null, 'image/jpeg'],
      ['audio', null, 'audio/ogg'],
      ['document', 'ü.pdf', 'application/pdf'],
      ['audio', null, 'audio/mp3'],
    ])
    const files = [jpeg(), oggVoice(), pdf(), Buffer.from('no known sound')].map((bytes) => Buffer.from(bytes))
    expect(kept(attachments)).toEqual(files)
    expect(running.gateway.uploads.files.size).toBe(4)
    expect(running.gateway.uploads.released).toEqual(attachments.map(({ reference }) => reference))
  })

  test('a picture without a word', async () => {
    const { status, said, attachments } = await complete([user(picture(jpeg()))])
    expect([status, said.text, attachments.length]).toEqual([200, '', 1])
  })

  test('of a conversation that its client keeps, also what came in the three turns before, the newest first', async () => {
    const turns = [1, 2, 3, 4].flatMap((n) => [user(`${n}`, picture(jpeg(`${n}`))), assistant])
    const messages = [...turns, user('and now?', picture(jpeg('now')))]
    const { said, attachments } = await complete(messages)
    expect(kept(attachments)).toEqual(['now', '4', '3', '2'].map((rest) => Buffer.from(jpeg(rest))))
    expect(running.gateway.uploads.files.size).toBe(4)
    expect(said.earlier?.map(({ text }) => text)).toEqual([
      ...['1\n[picture]', 'yes', '2\n[picture]', 'yes', '3\n[picture]', 'yes', '4\n[picture]', 'yes'],
    ])
    // A conversation with a name has them in its own history.
    const named = await complete(messages, { headers: { 'X-Conversation': 'a' } })
    expect(kept(named.attachments)).toEqual([Buffer.from(jpeg('now'))])
  })
})

describe('what stays of files', () => {
  test('nothing of a request that was accepted before, and nothing of one that was turned away', async () => {
    await complete([user(picture(jpeg()))], { duplicate: true })
    expect(running.gateway.uploads.files.size).toBe(0)
    const end = async (): Promise<CompletionEnd> => ({ kind: 'turnedAway', reason: 'draining' })
    expect((await complete([user(picture(jpeg()))], { end })).status).toBe(503)
    expect(running.gateway.uploads.files.size).toBe(0)
  })

  test('what the store says, when nobody knows whether its message is on disk', async () => {
    const { status } = await complete([user(picture(jpeg()))], {
      end: () => Promise.reject(new Error('the disk is away')),
    })
    expect(status).toBe(500)
    expect(running.gateway.uploads.released).toEqual([...running.gateway.uploads.files.keys()])
  })
})

const at = (path: string): string => `messages[0].content[1].${path}`

describe('what is refused, in the form of that API, and leaves no file', () => {
  test.each<[name: string, message: object, status: number, code: string, param: string | null]>([
    [
      'a picture by its address',
      user('x', picture('https://example.org/cat.jpg')),
      400,
      'invalid_image_url',
      at('image_url.url'),
    ],
    ['what is no picture', user('x', picture(pdf())), 400, 'invalid_image_format', at('image_url.url')],
    ['what is not base64', user('x', picture('data:image/png;base64,???')), 400, 'invalid_value', at('image_url.url')],
    ['an empty picture', user('x', picture('data:image/png;base64,')), 400, 'empty_file', at('image_url.url')],
    ['a picture without an address', user('x', { type: 'image_url' }), 400, 'invalid_value', at('image_url.url')],
    [
      'a number that stands for no file',
      user('x', { type: 'image_url', image_url: { url: 7 } }),
      400,
      'invalid_value',
      at('image_url.url'),
    ],
    [
      'a file by an id',
      user('x', { type: 'file', file: { file_id: 'file-1' } }),
      400,
      'unsupported_parameter',
      at('file.file_id'),
    ],
    [
      'a picture of the assistant',
      { ...user('x', picture(jpeg())), role: 'assistant' },
      400,
      'unsupported_parameter',
      'messages[0]',
    ],
    [
      'more than a turn has',
      user(...Array.from({ length: 21 }, () => picture(jpeg()))),
      413,
      'too_many_files',
      'messages',
    ],
    [
      'more than a conversation has',
      user(...Array.from({ length: 101 }, () => picture(jpeg()))),
      413,
      'too_many_files',
      'messages',
    ],
  ])('%s', async (_, message, status, code, param) => {
    const good = user('good', picture(jpeg()))
    const answer = await complete(
      code === 'unsupported_parameter' || param?.startsWith('messages[0]') ? [message] : [message, good],
    )
    expect([answer.status, answer.body]).toEqual([
      status,
      { error: { message: expect.any(String), type: 'invalid_request_error', code, param } },
    ])
    expect(answer.said).toEqual({})
    expect(running.gateway.uploads.files.size).toBe(0)
  })

  test('says why an address is not opened, and what to send instead', async () => {
    const { text } = await complete([user('x', picture('http://127.0.0.1:1/cat.jpg'))])
    expect(text).toContain('this gateway opens no address at the wish of a client')
    expect(text).toContain('data:image/jpeg;base64,')
  })
})
