// Form: a body of the type multipart/form-data (RFC 7578) as its parts, one after the other, while it comes in. The only file that
// knows its parser. Node's own `formData()` has all of a form in memory before it says what is in it.
//   No more is held than the parser has in hand: the body is read on when what was read of it was taken.
//   What is malformed is refused with its place: in which field, and within how many bytes.

import { Dicer } from '@fastify/busboy'
import type { Readable } from 'node:stream'
import { sizeText } from '../../machines/media.ts'
import { Refusal } from './answers.ts'
import { discard } from './body.ts'
import { dispositionOf } from './form-headers.ts'

export interface FormPart {
  readonly name: string
  /** null: it is no file. */
  readonly fileName: string | null
  readonly mediaType: string | null
  /** To be read to its end before the next part is asked for. */
  readonly pieces: AsyncIterable<Uint8Array>
}

/** Throws Refusals. The caller ends it, read to its end or not. */
export async function* formParts(request: Request, bytesMax: number): AsyncGenerator<FormPart> {
  const boundary = boundaryOf(request.headers)
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLong(bytesMax)
  const reader = request.body?.getReader()
  const form = new Form(boundary, bytesMax)
  const reading = form.read(reader)
  try {
    for (let part = await form.next(); part !== null; part = await form.next()) yield part
    await reading
    form.throwIfFailed()
  } finally {
    form.close()
    await reading
    await discard(reader)
  }
}

function boundaryOf(headers: Headers): string {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))/i.exec(headers.get('content-type') ?? '')
  const found = boundary?.[1] ?? boundary?.[2]
  if (found !== undefined) return found
  throw new Refusal(400, 'bad_form', 'The Content-Type of a form needs its boundary: let the client make it.')
}

/** Of a part of the body: names of files and fields fit in many times. */
const HEADERS_MAX = 20

class Form {
  readonly #parser: Dicer
  readonly #bytesMax: number
  /** Parts that nobody has asked for yet. */
  readonly #parts: FormPart[] = []
  readonly #streams = new Set<Readable>()
  #bytes = 0
  /** The field that is being read, for whoever is told where. */
  #field: string | null = null
  /** A part has begun and has not said what it is. */
  #isUntold = false
  #isOver = false
  #failure: Refusal | null = null
  #isClosed = false
  #wake: () => void = () => {}
  /** Ends what `read` waits for. */
  #end: () => void = () => {}

  constructor(boundary: string, bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#parser = new Dicer({ boundary, maxHeaderPairs: HEADERS_MAX })
    this.#parser.on('part', (stream) => this.#begin(stream))
    this.#parser.on('error', () => this.#fail(this.#malformed('it ends before its last boundary')))
    this.#parser.on('finish', () => this.#finish())
  }

  /** Never rejects: what goes wrong is told to whoever asks for a part, or reads one. */
  async read(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
    try {
      // The rest is not cancelled here: that would cut the connection before the answer is out.
      while (reader !== undefined && this.#failure === null && !this.#isClosed) {
        const piece = await this.#orClosed(reader.read())
        if (piece?.value === undefined) break
        this.#bytes += piece.value.byteLength
        if (this.#bytes > this.#bytesMax) return this.#fail(tooLong(this.#bytesMax))
        await this.#orClosed(this.#take(piece.value))
      }
      this.#parser.end()
    } catch {
      this.#fail(new Refusal(400, 'incomplete', 'The request broke off within its body.'))
    }
  }

  async next(): Promise<FormPart | null> {
    while (this.#parts.length === 0 && !this.#isOver && this.#failure === null) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.throwIfFailed()
    return this.#parts.shift() ?? null
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure
  }

  close(): void {
    this.#isClosed = true
    this.#end()
    for (const stream of this.#streams) stream.destroy()
  }

  /** undefined: the form was closed. (A race with one promise for all of them would keep every piece until the end.) */
  #orClosed<T>(waited: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#end = () => resolve(undefined)
      waited.then(resolve, reject)
    })
  }

  /** Resolves once the parser wants more; it does not as long as a part that it has is not read. */
  #take(piece: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parser.write(piece, (error) => (error == null ? resolve() : reject(error)))
    })
  }

  #begin(stream: Readable): void {
    // A part that broke off is told by its reader; one that nobody reads yet must not end the process.
    stream.on('error', () => {})
    if (this.#isUntold) this.#fail(this.#malformed('a part of it has no headers'))
    this.#isUntold = true
    this.#field = null
    this.#streams.add(stream)
    stream.once('header', (headers: object) => {
      this.#isUntold = false
      const disposition = dispositionOf(headers)
      if (typeof disposition === 'string') return this.#fail(this.#malformed(disposition))
      this.#field = disposition.name
      this.#parts.push({ ...disposition, pieces: this.#pieces(stream) })
      this.#wake()
    })
  }

  async *#pieces(stream: Readable): AsyncGenerator<Uint8Array> {
    try {
      // The parser puts bytes in and nothing else.
      for await (const piece of stream) yield piece as Uint8Array
    } catch {
      throw this.#failure ?? this.#malformed('it ends before its last boundary')
    } finally {
      this.#streams.delete(stream)
    }
    this.throwIfFailed()
  }

  #finish(): void {
    if (this.#isUntold) this.#fail(this.#malformed('a part of it has no headers'))
    this.#isOver = true
    this.#wake()
  }

  #fail(failure: Refusal): void {
    this.#failure ??= failure
    for (const stream of this.#streams) stream.destroy(this.#failure)
    this.#wake()
  }

  #malformed(why: string): Refusal {
    const field = this.#field === null ? '' : `, in the field ${JSON.stringify(this.#field.slice(0, 64))}`
    const place = `within its first ${this.#bytes} bytes${field}`
    return new Refusal(400, 'bad_form', `The form is malformed: ${why} (${place}).`)
  }
}

function tooLong(bytesMax: number): Refusal {
  return new Refusal(413, 'too_large', `The form is larger than ${sizeText(bytesMax)}.`)
}
