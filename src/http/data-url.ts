// Data URL: the file in a `data:` URL, or in plain base64, decoded piece by piece. Pure.

import { Refusal } from './answers.ts'

export interface DataFile {
  /** As the URL says; null: it says none, or there is no URL around it. */
  readonly mediaType: string | null
  readonly pieces: AsyncIterable<Uint8Array>
}

/** `text` as it stands in JSON. Throws Refusals that name the place. */
export async function dataFile(text: AsyncIterable<Uint8Array>, place: string): Promise<DataFile> {
  const reading = text[Symbol.asyncIterator]()
  let begin = ''
  // Whoever writes more before the comma does not mean a file.
  while (begin.length < HEAD_UNITS_MAX && !begin.includes(',')) {
    const read = await reading.next()
    if (read.done === true) break
    begin += latin1(read.value)
  }
  const rest = { [Symbol.asyncIterator]: () => reading }
  if (!/^data:/i.test(begin)) return { mediaType: null, pieces: decoded(begin, rest, place) }
  const head = begin.slice(0, begin.indexOf(',') + 1).replaceAll(SLASH, '/')
  const [, mediaType, isBase64] = /^data:([^;,]*)(?:;[^;,]*)*?(;base64)?,$/i.exec(head) ?? []
  if (isBase64 === undefined) throw wrong(place, 'a file is taken as "data:TYPE;base64,…"')
  const data = begin.slice(begin.indexOf(',') + 1)
  return { mediaType: mediaType === '' ? null : (mediaType ?? null), pieces: decoded(data, rest, place) }
}

const HEAD_UNITS_MAX = 256

/** As some clients write it in JSON. */
const SLASH = '\\/'

async function* decoded(first: string, rest: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Uint8Array> {
  let left = first
  let isOver = false
  const decode = (text: string): Uint8Array => {
    // What fills the last four up is at the end, and nothing behind it.
    const isBase64 = /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && !(isOver && text !== '')
    if (!isBase64 || text.length % 4 === 1) throw wrong(place, 'what stands there is not base64')
    isOver ||= text.endsWith('=')
    return Buffer.from(text, 'base64')
  }
  for await (const piece of rest) {
    const text = (left + latin1(piece)).replaceAll(SLASH, '/')
    // Four at a time; and a slash may be cut in two.
    const whole = text.endsWith('\\') ? text.length - 1 : text.length
    const cut = whole - (whole % 4)
    if (cut > 0) yield decode(text.slice(0, cut))
    left = text.slice(cut)
  }
  const last = decode(left.replaceAll(SLASH, '/'))
  if (last.length > 0) yield last
}

function wrong(place: string, why: string): Refusal {
  return new Refusal(400, 'invalid_value', `"${place}" cannot be read: ${why}.`).about(place)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
