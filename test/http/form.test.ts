// Form: the parts of forms as Node's own parser has them, cut anywhere; what is malformed, with its place; and how much is in memory.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formParts } from '../../src/http/form.ts'

interface Part {
  readonly name: string
  readonly fileName: string | null
  readonly text: string
}

function requestOf(body: Uint8Array, { type, size = body.length }: { type: string; size?: number }): Request {
  const stream = new ReadableStream<Uint8Array>({
    start(sink) {
      for (let at = 0; at < body.length; at += size) sink.enqueue(Uint8Array.from(body.subarray(at, at + size)))
      sink.close()
    },
  })
  const init: RequestInit = { method: 'POST', body: stream, headers: { 'content-type': type }, duplex: 'half' }
  return new Request('http://127.0.0.1/', init)
}

async function partsOf(request: Request, bytesMax = 1_000_000): Promise<Part[]> {
  const parts: Part[] = []
  for await (const { name, fileName, pieces } of formParts(request, bytesMax)) {
    const bytes: Uint8Array[] = []
    for await (const piece of pieces) bytes.push(piece)
    parts.push({ name, fileName, text: Buffer.concat(bytes).toString('latin1') })
  }
  return parts
}

const type = 'multipart/form-data; boundary=XX'
const written = (text: string, size?: number) =>
  partsOf(requestOf(Buffer.from(text, 'latin1'), { type, ...(size === undefined ? {} : { size }) }))

/** What has the shape of boundaries in it, so that their beginnings are met everywhere. */
const content = fc
  .array(fc.oneof(fc.constantFrom('\r\n', '--', '\r\n--', '-', '\r', '\n', 'é'), fc.string({ maxLength: 40 })), {
    maxLength: 30,
  })
  .map((texts) => texts.join(''))
const fileName = fc.constantFrom('a.txt', 'ü "x".jpg', 'x;y=z.md', '\\b\\.png', '')
const field = fc.record({ file: fc.option(fileName), content })
const fields = fc.array(field, { maxLength: 5 })

test('parts are what a browser meant, wherever the body is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fields, fc.integer({ min: 1, max: 200 }), async (given, size) => {
      const form = new FormData()
      for (const { file, content: text } of given) {
        if (file === null) form.append('text', text)
        else form.append('file', new File([text], file))
      }
      const response = new Response(form)
      const body = new Uint8Array(await response.clone().arrayBuffer())
      const meant = await Promise.all(
        [...(await response.formData())].map(async ([name, value]): Promise<Part> => {
          const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(await value.arrayBuffer())
          return { name, fileName: typeof value === 'string' ? null : value.name, text: bytes.toString('latin1') }
        }),
      )
      const request = requestOf(body, { type: response.headers.get('content-type') ?? '', size })
      expect(await partsOf(request)).toEqual(meant)
    }),
    { numRuns: 50, seed: 20260103 },
  )
})

test('names come as clients write them', async () => {
  const named = async (disposition: string): Promise<Part | undefined> => {
    const [part] = await written(`--XX\r\nContent-Disposition: form-data; ${disposition}\r\n\r\nx\r\n--XX--\r\n`)
    return part
  }
  const file = { name: 'file', text: 'x' }
  expect(await named('name=file; filename=plain.txt')).toEqual({ ...file, fileName: 'plain.txt' })
  expect(await named('name="file"; filename="a\\"b.txt"')).toEqual({ ...file, fileName: 'a"b.txt' })
  expect(await named('filename="C:\\dir\\x.txt"; name="file"')).toEqual({ ...file, fileName: 'C:\\dir\\x.txt' })
  expect(await named('name="file"; filename="x"; filename*=UTF-8\'\'na%C3%AFve.txt')).toEqual({
    ...file,
    fileName: 'naïve.txt',
  })
  expect(await named('name="file"; filename="x"; filename*=UTF-8\'\'%E0')).toEqual({ ...file, fileName: 'x' })
  expect(await named('name="text"')).toEqual({ name: 'text', fileName: null, text: 'x' })
})

const head = '--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n'

describe('what is malformed is refused with its place', () => {
  test.each([
    ['nothing at all', '', 'it ends before its last boundary (within its first 0 bytes)'],
    ['no boundary in it', 'text', 'it ends before its last boundary (within its first 4 bytes)'],
    [
      'an end within a part',
      `${head}text`,
      `it ends before its last boundary (within its first ${head.length + 4} bytes, in the field "a")`,
    ],
    [
      'an end within the headers',
      '--XX\r\nContent-Dis',
      'it ends before its last boundary (within its first 17 bytes)',
    ],
    [
      'no name',
      '--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--',
      'a part of it has no name (within its first 49 bytes)',
    ],
    [
      'no disposition',
      '--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XX--',
      'a part of it has no "Content-Disposition: form-data"',
    ],
    [
      'another disposition',
      '--XX\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--XX--',
      'has no "Content-Disposition: form-data"',
    ],
    ['no headers', `${head}x\r\n--XX\r\n--XX--`, 'a part of it has no headers'],
    [
      'parts of its own',
      '--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=YY\r\n\r\n--YY--\r\n--XX--',
      'parts of its own',
    ],
    [
      'an encoding that forms do not have',
      `--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--XX--`,
      'Content-Transfer-Encoding',
    ],
  ])('%s', async (_, body, why) => {
    for (const size of [1, 7, 1_000]) {
      const refused = await written(body, size).catch((error: unknown) => error)
      expect(refused).toMatchObject({ status: 400, code: 'bad_form' })
      if (size === 1_000) expect(String(refused)).toContain(why)
    }
  })

  test('a type without its boundary', async () => {
    const request = requestOf(Buffer.from('x'), { type: 'multipart/form-data' })
    await expect(partsOf(request)).rejects.toMatchObject({ status: 400, code: 'bad_form' })
  })

  test('what breaks off', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (sink) => sink.enqueue(Buffer.from(`${head}text`)),
      pull: (sink) => sink.error(new Error('gone')),
    })
    const init: RequestInit = { method: 'POST', body, headers: { 'content-type': type }, duplex: 'half' }
    await expect(partsOf(new Request('http://127.0.0.1/', init))).rejects.toMatchObject({ code: 'incomplete' })
  })

  test('what is larger than it may be, said by its length or met on the way', async () => {
    const body = Buffer.from(`${head}${'x'.repeat(1_000)}\r\n--XX--`)
    await expect(partsOf(requestOf(body, { type, size: 100 }), 500)).rejects.toMatchObject({ status: 413 })
    const said = new Request('http://127.0.0.1/', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': type, 'content-length': '501' },
    })
    await expect(partsOf(said, 500)).rejects.toMatchObject({
      status: 413,
      message: 'The form is larger than 500 bytes.',
    })
  })
})

/** However the bytes of a form are broken, whoever reads it is told, or has parts. */
test('what was changed on its way ends too', async () => {
  const good = Buffer.from(`${head}text\r\n${head}more\r\n--XX--\r\n`)
  const change = fc.record({
    at: fc.nat(good.length - 1),
    take: fc.nat(20),
    put: fc.constantFrom('', '\r\n', '--', '\0', '"'),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 60 }),
      async (changes, size) => {
        let body = good
        for (const { at, take, put } of changes)
          body = Buffer.concat([body.subarray(0, at), Buffer.from(put), body.subarray(at + take)])
        const ended = await partsOf(requestOf(body, { type, size })).catch((error: unknown) => error)
        if (!Array.isArray(ended)) expect(ended).toMatchObject({ status: 400 })
      },
    ),
    { numRuns: 100, seed: 20260104 },
  )
})

test('who stops reading leaves nothing that waits', async () => {
  const long = Buffer.from(`${head}${'x'.repeat(300_000)}\r\n${head}y\r\n--XX--`)
  for await (const { pieces } of formParts(requestOf(long, { type, size: 10_000 }), 1_000_000)) {
    for await (const _ of pieces) break
    break
  }
  for await (const _ of formParts(requestOf(long, { type, size: 10_000 }), 1_000_000)) break
})

test('M2: of a file that goes by no more is in memory than its reader has in hand', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // What the flag provides.
  const piece = 64 * 1024
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(sink) {
      if (sent === 0) sink.enqueue(Buffer.from(head))
      sent += piece
      sink.enqueue(new Uint8Array(piece))
      if (sent < 200 * piece) return
      sink.enqueue(Buffer.from('\r\n--XX--'))
      sink.close()
    },
  })
  const init: RequestInit = { method: 'POST', body, headers: { 'content-type': type }, duplex: 'half' }
  /** What is freed is counted as free a moment later, by another thread: asked until it is little enough, or for good. */
  const heldBytes = async (enough: number): Promise<number> => {
    let bytes = Number.POSITIVE_INFINITY
    for (let n = 0; n < 5 && bytes > enough; n += 1) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 2))
      bytes = Math.min(bytes, process.memoryUsage().arrayBuffers)
    }
    return bytes
  }
  const held: number[] = []
  for await (const { pieces } of formParts(new Request('http://127.0.0.1/', init), 1e9)) {
    let bytes = 0
    for await (const { length } of pieces) {
      if (bytes < 2_000_000 && bytes + length >= 2_000_000) held.push(await heldBytes(0))
      if (bytes < 12_000_000 && bytes + length >= 12_000_000) held.push(await heldBytes((held[0] ?? 0) + 1_000_000))
      bytes += length
    }
    expect(bytes).toBe(200 * piece)
  }
  const [first = Number.NaN, second = Number.NaN] = held
  expect(second - first, 'bytes that stayed while 10 MB went by').toBeLessThan(2_000_000)
})
