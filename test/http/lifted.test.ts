// Lifted: whatever a body says and wherever it is cut, files are taken from their places and nothing else is changed.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dataFile } from '../../src/http/data-url.ts'
import { type Lifting, readLifted } from '../../src/http/lifted.ts'

function requestOf(text: string, size = 64 * 1024): Request {
  const bytes = Buffer.from(text)
  const body = new ReadableStream<Uint8Array>({
    start(sink) {
      for (let at = 0; at < bytes.length; at += size) sink.enqueue(Uint8Array.from(bytes.subarray(at, at + size)))
      sink.close()
    },
  })
  const headers = { 'content-type': 'application/json' }
  const init: RequestInit = { method: 'POST', body, headers, duplex: 'half' }
  return new Request('http://127.0.0.1/', init)
}

interface Taken {
  readonly place: string
  readonly mediaType: string | null
  readonly bytes: string
}

async function lifted(text: string, { size, ...given }: Partial<Lifting> & { size?: number } = {}) {
  const taken: Taken[] = []
  const fields = await readLifted(requestOf(text, size), {
    bytesMax: 10_000,
    isFile: (parent, key, begin) => parent === 'image_url' && key === 'url' && begin === 'data:',
    async take(pieces, place) {
      const { mediaType, pieces: decoded } = await dataFile(pieces, place)
      const bytes: Uint8Array[] = []
      for await (const piece of decoded) bytes.push(piece)
      return taken.push({ place, mediaType, bytes: Buffer.concat(bytes).toString('latin1') }) - 1
    },
    ...given,
  })
  return { fields, taken }
}

const dataUrl = (bytes: string, type = 'image/png'): string =>
  `data:${type};base64,${Buffer.from(bytes, 'latin1').toString('base64')}`

/** What looks like the shape of JSON stands in its strings too. */
const text = fc.oneof(
  fc.string(),
  fc.constantFrom('data:', '"url":"data:', 'image_url', '\\', '{"[', '}]', 'é\u{1F600}'),
)
const picture = fc.string({ unit: 'binary-ascii' })
const part = fc.oneof(
  fc.record({
    type: fc.constant('image_url'),
    image_url: fc.record({ detail: text, url: picture.map((bytes) => dataUrl(bytes)) }),
  }),
  fc.record({ type: fc.constant('text'), text }),
  fc.record({ url: text, image_url: text, data: fc.jsonValue({ maxDepth: 2 }) }),
)
const body = fc.record({
  messages: fc.array(fc.record({ role: text, content: fc.array(part, { maxLength: 4 }) })),
  other: fc.jsonValue({ maxDepth: 2 }),
})

test('a body without its files is what it was, wherever it is cut, and each file is whole', async () => {
  await fc.assert(
    fc.asyncProperty(body, fc.integer({ min: 1, max: 40 }), fc.nat(2), async (given, size, indent) => {
      // A slash may be written with a backslash, as PHP does.
      const written = JSON.stringify(given, null, indent).replaceAll('/', size % 2 === 0 ? '/' : '\\/')
      const wanted: Taken[] = []
      given.messages.forEach(({ content }, message) =>
        content.forEach((each, index) => {
          if (!('type' in each) || each.type !== 'image_url') return
          const { url } = (each as { image_url: { url: string } }).image_url
          const bytes = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64').toString('latin1')
          wanted.push({ place: `messages[${message}].content[${index}].image_url.url`, mediaType: 'image/png', bytes })
        }),
      )
      let next = 0
      const meant: unknown = JSON.parse(JSON.stringify(given), (key, value: unknown) =>
        key === 'url' && typeof value === 'string' && value.startsWith('data:image/png;base64,') ? next++ : value,
      )
      const { fields, taken } = await lifted(written, { size, bytesMax: 1_000_000 })
      expect(taken).toEqual(wanted)
      expect(fields).toEqual(meant)
    }),
    { numRuns: 60, seed: 20260105, endOnFailure: true },
  )
})

test('the check would notice a file at another place', async () => {
  const given = JSON.stringify({ image_url: { url: dataUrl('x') }, metadata: { url: dataUrl('y') } })
  expect((await lifted(given)).taken).toEqual([{ place: 'image_url.url', mediaType: 'image/png', bytes: 'x' }])
  expect((await lifted(given, { isFile: () => true })).taken).toHaveLength(2)
})

test.each([
  ['no base64', 'data:image/png,hello', /taken as "data:TYPE;base64,…"/],
  ['a letter that is none', 'data:image/png;base64,AA*A', /not base64/],
  ['an end that is none', 'data:image/png;base64,AAAAA', /not base64/],
  ['more behind its end', 'data:image/png;base64,AA==AAAA', /not base64/],
  ['a break of the line', 'data:image/png;base64,AAAA\nAAAA', /not base64/],
  ['no comma', `data:${'x'.repeat(300)}`, /taken as/],
])('a data URL with %s is refused with its place', async (_, url, why) => {
  for (const size of [1, 5, 1_000]) {
    const refused = await lifted(JSON.stringify({ image_url: { url } }), { size }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ status: 400, param: 'image_url.url', message: expect.stringMatching(why) })
  }
})

test.each<[name: string, text: string, status: number, code: string]>([
  ['an end within a file', '{"image_url":{"url":"data:image/png;base64,AAAA', 400, 'bad_json'],
  ['an end within a string', '{"a":"b', 400, 'bad_json'],
  ['nothing', '', 400, 'bad_json'],
  ['a list', '[]', 400, 'bad_type'],
  ['brackets without end', '['.repeat(100), 400, 'bad_json'],
  ['brackets that nobody opened', ']}"', 400, 'bad_json'],
  ['much beside its files', JSON.stringify({ a: 'x'.repeat(10_000) }), 413, 'too_large'],
])('a body with %s is refused', async (_, given, status, code) => {
  await expect(lifted(given)).rejects.toMatchObject({ status, code })
})

test('M2: a file may be larger than all that is parsed', async () => {
  const { fields, taken } = await lifted(JSON.stringify({ image_url: { url: dataUrl('x'.repeat(100_000)) } }), {
    size: 999,
  })
  expect(fields).toEqual({ image_url: { url: 0 } })
  expect(taken[0]?.bytes).toBe('x'.repeat(100_000))
})
