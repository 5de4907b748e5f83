// Messages with files, over real sockets: what a web channel is given of a form, how each refusal says why, and that nothing is left
// of the files of a message that was not accepted.

import { request } from 'node:http'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { FILE_BYTES_MAX, FILES_MAX } from '../../machines/limits.ts'
import { jpeg, oggVoice, pdf } from '../support/received.ts'
import { ask, closeAll, raw, type Running, start } from './client.ts'

afterAll(closeAll)

/** One server for the file; every test begins with a gateway that has nothing. */
const starting = start()
let running: Running
beforeEach(async () => {
  running = await starting
  const { received, journal, uploads } = door()
  received.splice(0)
  journal.entries.splice(0)
  uploads.files.clear()
  uploads.released.splice(0)
})

function door() {
  const channel = running.gateway.channels.get('a')
  if (channel === undefined) throw new Error('the double has this channel')
  return channel
}

type Field = readonly [name: string, value: string | File]

const url = (): string => `${running.server.url}/channels/a/messages`
const file = (bytes: Uint8Array | string, name: string, type = ''): File =>
  new File([typeof bytes === 'string' ? bytes : Uint8Array.from(bytes)], name, { type })
const who = [
  ['conversation', 'c'],
  ['user', 'u'],
] as const

function post(...fields: readonly Field[]) {
  const form = new FormData()
  for (const [name, value] of fields) form.append(name, value)
  return ask(url(), { method: 'POST', body: form })
}

const error = (code: string, message: unknown = expect.stringMatching(/\S.*[.;]/)) => ({ error: { code, message } })

test('a text with files is one message, with each as it came and as what its first bytes say', async () => {
  const answer = await post(
    ...who,
    ['text', 'look at these'],
    ['file', file(jpeg('a cat'), 'cat.png', 'image/png')],
    ['file', file(oggVoice(), 'note', 'application/octet-stream')],
    ['file', file(pdf(), 'ü.pdf', 'application/pdf')],
    ['file', file('a,b\n1,2', 'table.csv', 'text/csv')],
    ['file', file(Buffer.from('1a45dfa3', 'hex'), 'spoken.webm', 'audio/webm')],
    ['file', file(Buffer.from('1a45dfa3', 'hex'), 'film.webm', 'video/webm')],
  )
  expect(answer).toMatchObject({ status: 202, body: { accepted: true, duplicate: false } })
  const { received, uploads } = door()
  expect(received).toHaveLength(1)
  const { text, attachments } = received[0] ?? {}
  expect(text).toBe('look at these')
  expect(attachments?.map(({ kind, name, mediaType, bytes }) => [kind, name, mediaType, bytes])).toEqual([
    ['image', 'cat.png', 'image/jpeg', jpeg('a cat').length],
    ['audio', 'note', 'audio/ogg', oggVoice().length],
    ['document', 'ü.pdf', 'application/pdf', pdf().length],
    ['document', 'table.csv', 'text/csv', 7],
    ['audio', 'spoken.webm', 'audio/webm', 4],
    ['video', 'film.webm', 'video/webm', 4],
  ])
  const references = attachments?.map(({ reference }) => reference)
  expect(uploads.released).toEqual(references)
  expect([...uploads.files.keys()]).toEqual(references)
  expect(uploads.files.get(references?.[0] ?? '')).toEqual(Buffer.from(jpeg('a cat')))
})

test('a form without a file is a message as in JSON; a file needs no text; the order of fields is no matter', async () => {
  expect((await post(['text', 'hello\nthere'], ...who)).status).toBe(202)
  expect((await post(['file', file('x', 'x.txt')], ...who)).status).toBe(202)
  expect((await post(['text', ' '], ['file', file('x', 'x.txt')], ...who)).status).toBe(202)
  // A browser's form in which no file was chosen.
  const part = (disposition: string, value: string) =>
    `--XX\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`
  const fields = [...who, ['text', 'none'] as const].map(([name, value]) => part(`name="${name}"`, value))
  const body = [...fields, part('name="file"; filename=""', ''), '--XX--\r\n'].join('')
  const headers = { 'content-type': 'multipart/form-data; boundary="XX"' }
  expect((await raw(url(), { method: 'POST', headers, body })).status).toBe(202)
  expect(door().received.map(({ text, attachments }) => [text, attachments.length])).toEqual([
    ['hello\nthere', 0],
    ['', 1],
    ['', 1],
    ['none', 0],
  ])
})

test('S29 the same message id is one message: what came the second time is not kept', async () => {
  const again = () => post(...who, ['message_id', 'm1'], ['file', file('x', 'x.txt')])
  expect(await again()).toMatchObject({ status: 202, body: { accepted: true, duplicate: false } })
  const first = [...door().uploads.files.keys()]
  expect(await again()).toMatchObject({ status: 202, body: { accepted: true, duplicate: true } })
  expect(door().received).toHaveLength(1)
  expect([...door().uploads.files.keys()]).toEqual(first)
})

const many = Array.from({ length: FILES_MAX + 1 }, (_, n): Field => ['file', file('x', `${n}.txt`)])
const large = new Uint8Array(FILE_BYTES_MAX + 1)

describe('what is refused leaves no file', () => {
  test.each<[name: string, fields: readonly Field[], status: number, code: string, message: string]>([
    ['an empty file', [['file', new File([], 'a.txt')]], 400, 'empty_file', 'The file "a.txt" is empty.'],
    [
      'a file that is too large',
      [['file', file(large, 'a.bin')]],
      413,
      'too_large',
      'The file "a.bin" is larger than 20.0 MB.',
    ],
    ['too many files', many, 413, 'too_many_files', 'A message has at most 20 files.'],
    [
      'a field of another name',
      [['files', file('x', 'x')]],
      400,
      'unknown_key',
      'The key "files" is unknown; known are conversation, user, text, message_id, file.',
    ],
    [
      'a file as text',
      [['text', file('x', 'x.txt')]],
      400,
      'bad_type',
      '"text" must be text; a file is sent as "file".',
    ],
    ['a text as a file', [['file', 'x']], 400, 'bad_type', '"file" must be a file, with a file name.'],
    [
      'a field twice',
      [
        ['text', 'x'],
        ['text', 'y'],
      ],
      400,
      'bad_value',
      '"text" is there twice.',
    ],
    ['neither text nor file', [], 400, 'missing_key', '"text" is missing.'],
    [
      'a long text',
      [['text', 'x'.repeat(65_537)]],
      413,
      'too_long',
      '"text" has 65537 characters; at most 65536 are taken.',
    ],
    [
      'an address that is none',
      [
        ['message_id', '..'],
        ['text', 'x'],
      ],
      400,
      'bad_value',
      '"message_id" holds characters that no address can hold.',
    ],
  ])('%s', async (_, fields, status, code, message) => {
    // A good file before the bad one goes too.
    const good: Field = ['file', file('good', 'good.txt')]
    const given = code === 'missing_key' || fields === many ? fields : [good, ...fields]
    expect(await post(...who, ...given)).toMatchObject({ status, body: error(code, message) })
    expect(door().received).toEqual([])
    expect(door().uploads.files.size).toBe(0)
  })

  test('a message that is turned away, one that cannot be kept, and one whose end nobody knows', async () => {
    const sent = () => post(...who, ['file', file('x', 'x.txt')])
    door().refusal = 'stranger'
    expect((await sent()).status).toBe(403)
    door().refusal = null
    await door().disconnect()
    expect((await sent()).status).toBe(409)
    door().connect()
    expect(door().uploads.files.size).toBe(0)
    // It may be on disk: what becomes of its file is decided by what the store says.
    door().failure = new Error('the disk is away')
    expect((await sent()).status).toBe(500)
    door().failure = null
    expect(door().uploads.released).toEqual([...door().uploads.files.keys()])
  })

  test('a form that is malformed, encoded, or of no type that is taken', async () => {
    const body = '--XX\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf of it'
    const send = (type: string, headers: Record<string, string> = {}) =>
      raw(url(), { method: 'POST', headers: { 'content-type': type, ...headers }, body })
    const broken = await send('multipart/form-data; boundary=XX')
    expect(broken.status).toBe(400)
    expect(JSON.parse(broken.text)).toEqual(
      error(
        'bad_form',
        `The form is malformed: it ends before its last boundary (within its first ${body.length} bytes, in the field "file").`,
      ),
    )
    expect((await send('multipart/form-data; boundary=XX', { 'content-encoding': 'gzip' })).status).toBe(415)
    expect(JSON.parse((await send('multipart/mixed; boundary=XX')).text)).toMatchObject(error('bad_content_type'))
    expect(door().uploads.files.size).toBe(0)
  })

  test('H3: a form of another web page is not taken, although a browser sends it without asking', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=XX', origin: 'http://evil.example' }
    expect((await raw(url(), { method: 'POST', headers, body: '--XX--' })).status).toBe(403)
  })
})

test('a client that goes away within a file leaves nothing, and the next is served', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=XX' }
  const sent = request(url(), { method: 'POST', headers, agent: false })
  sent.on('error', () => {})
  sent.write('--XX\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf')
  await new Promise((resolve) => setTimeout(resolve, 20))
  sent.destroy()
  expect((await post(...who, ['text', 'hello'])).status).toBe(202)
  expect(door().received.map(({ text }) => text)).toEqual(['hello'])
  expect(door().uploads.files.size).toBe(0)
})
