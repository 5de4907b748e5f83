// Lifted: a JSON body out of which files are taken while it comes in: the strings at certain places go to where files go, piece by
// piece, and a number stands for each of them. What is left is small, and parsed as a whole.
//   A string at any other place is what it is, whatever it says.

import { Refusal } from './answers.ts'
import { checkType, discard, type Fields, objectIn } from './body.ts'

export interface Lifting {
  /** Of what is left. */
  readonly bytesMax: number
  /** Whether a string at this place is a file: the last two names on the way to it, and how it begins. */
  readonly isFile: (parent: string, key: string, begin: string) => boolean
  /** Takes it, as it stands between its quotation marks; `place` is for people. Its number is what stands for it. */
  readonly take: (text: AsyncIterable<Uint8Array>, place: string) => Promise<number>
}

export async function readLifted(request: Request, lifting: Lifting): Promise<Fields> {
  checkType(request.headers)
  const reader = request.body?.getReader()
  try {
    return objectIn(await new Scan(reader, lifting).left())
  } finally {
    await discard(reader)
  }
}

/** As much of a string's beginning as `isFile` is asked with. */
const BEGIN_BYTES = 5

/** Names that matter are shorter. */
const NAME_BYTES = 32

/** Deeper than any request of a client; more would be for the parser's sake alone. */
const DEPTH_MAX = 64

interface Frame {
  /** Under which name it stands; null: in a list, or outermost. */
  readonly key: string | null
  /** In a list: how many stand before. */
  index: number | null
}

/** One way through a body, byte by byte. */
class Scan {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly #lifting: Lifting
  readonly #left: Uint8Array[] = []
  readonly #frames: Frame[] = []
  #leftBytes = 0
  #chunk: Uint8Array = new Uint8Array()
  #at = 0
  /** The last string, as long as it may be a name. */
  #name = ''
  /** The name whose value comes. */
  #key: string | null = null

  constructor(reader: ReadableStreamDefaultReader<Uint8Array> | undefined, lifting: Lifting) {
    this.#reader = reader
    this.#lifting = lifting
  }

  /** The body without its files. */
  async left(): Promise<Uint8Array> {
    while (await this.#has(1)) {
      const begin = this.#at
      // Between strings nothing but the shape matters; each of them begins with its mark.
      while (this.#at < this.#chunk.length && this.#chunk[this.#at] !== MARK) this.#pass(this.#chunk[this.#at])
      this.#leave(this.#chunk.subarray(begin, this.#at))
      if (this.#at < this.#chunk.length) await this.#string()
    }
    return Buffer.concat(this.#left)
  }

  #pass(byte = 0): void {
    this.#at += 1
    switch (byte) {
      case 0x7b: // {
      case 0x5b: // [
        if (this.#frames.length === DEPTH_MAX) throw new Refusal(400, 'bad_json', 'The body is nested too deep.')
        this.#frames.push({ key: this.#key, index: byte === 0x5b ? 0 : null })
        this.#key = null
        break
      case 0x7d: // }
      case 0x5d: // ]
        this.#frames.pop()
        this.#key = null
        break
      case 0x3a: // :
        this.#key = this.#name
        break
      case 0x2c: // ,
        this.#next()
        break
    }
  }

  #next(): void {
    const frame = this.#frames.at(-1)
    if (frame !== undefined && frame.index !== null) frame.index += 1
    this.#key = null
  }

  async #string(): Promise<void> {
    await this.#has(1 + BEGIN_BYTES)
    const begin = latin1(this.#chunk.subarray(this.#at + 1, this.#at + 1 + BEGIN_BYTES))
    const parent = this.#frames.at(-1)?.key ?? null
    const isFile = this.#key !== null && parent !== null && this.#lifting.isFile(parent, this.#key, begin)
    if (!isFile) return this.#plainString()
    this.#at += 1
    const number = await this.#lifting.take(this.#text(), this.#place())
    this.#leave(Buffer.from(String(number)))
  }

  /** Stays as it is. */
  async #plainString(): Promise<void> {
    let name = ''
    let isEscaped = false
    let isOver = false
    let isBegin = true
    while (!isOver) {
      if (!(await this.#has(1))) return
      const from = this.#at
      for (; this.#at < this.#chunk.length && !isOver; this.#at += 1) {
        const byte = this.#chunk[this.#at]
        isOver = byte === MARK && !isEscaped && !isBegin
        isEscaped = byte === ESCAPE && !isEscaped
        isBegin = false
      }
      const piece = this.#chunk.subarray(from, this.#at)
      if (name.length <= NAME_BYTES) name += latin1(piece.subarray(0, NAME_BYTES))
      this.#leave(piece)
    }
    this.#name = name.slice(1, -1)
  }

  /** What stands up to the next quotation mark. */
  async *#text(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (!(await this.#has(1)))
        throw new Refusal(400, 'bad_json', 'The body is not valid JSON: it ends within a file.')
      const end = this.#chunk.indexOf(MARK, this.#at)
      const piece = this.#chunk.subarray(this.#at, end < 0 ? undefined : end)
      this.#at += piece.length + (end < 0 ? 0 : 1)
      if (piece.length > 0) yield piece
      if (end >= 0) return
    }
  }

  /** Whether so many bytes are to come; they are in hand then. */
  async #has(bytes: number): Promise<boolean> {
    while (this.#chunk.length - this.#at < bytes) {
      const read = await this.#reader?.read().catch(() => {
        throw new Refusal(400, 'incomplete', 'The request broke off within its body.')
      })
      if (read === undefined || read.done) return false
      this.#chunk =
        this.#at === this.#chunk.length ? read.value : Buffer.concat([this.#chunk.subarray(this.#at), read.value])
      this.#at = 0
    }
    return true
  }

  #leave(piece: Uint8Array): void {
    this.#leftBytes += piece.length
    const { bytesMax } = this.#lifting
    if (this.#leftBytes > bytesMax) {
      const message = `The body is larger than ${bytesMax} bytes, without the files in it.`
      throw new Refusal(413, 'too_large', message)
    }
    // A copy, when it is small: else the whole chunk would stay for it.
    this.#left.push(piece.length < this.#chunk.length / 2 ? Uint8Array.from(piece) : piece)
  }

  #place(): string {
    const way = this.#frames.map(
      ({ key, index }) => `${key === null ? '' : `.${key}`}${index === null ? '' : `[${index}]`}`,
    )
    return `${way.join('')}.${this.#key}`.replace(/^\./, '')
  }
}

const MARK = 0x22
const ESCAPE = 0x5c

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
