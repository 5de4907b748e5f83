// Uploads: files that come with a message: each on disk as it comes in, within its bounds, and gone again when no message is accepted
// with it.

import { FILE_BYTES_MAX, UPLOAD_BYTES_MAX } from '../../machines/limits.ts'
import { sizeText } from '../../machines/media.ts'
import type { Upload } from '../../machines/uploads.ts'
import { Refusal } from './answers.ts'
import type { WebReception } from './web-port.ts'

/** A part of port.ts. */
export interface UploadsPort {
  /** Resolves once all of it is on disk; rejects with what `pieces` throws, or a FailureError, and then nothing of it is left. */
  keep(pieces: AsyncIterable<Uint8Array>): Promise<Upload>
  /** Their message was handed over: what becomes of them hangs on it. */
  release(references: readonly string[]): void
  /** No message was accepted with them. Never rejects. */
  drop(references: readonly string[]): Promise<void>
}

/** The files of one message until it is handed over. */
export class MessageFiles {
  readonly #port: UploadsPort
  #references: string[] = []
  #bytes = 0

  constructor(port: UploadsPort) {
    this.#port = port
  }

  get count(): number {
    return this.#references.length
  }

  /** `about` names the file in a refusal. */
  async keep(pieces: AsyncIterable<Uint8Array>, about: string): Promise<Upload> {
    const upload = await this.#port.keep(this.#bounded(pieces, about))
    this.#references.push(upload.reference)
    return upload
  }

  /** What is read of a message; nothing is left of its files when that throws. */
  async reading<Message>(read: () => Promise<Message>): Promise<Message> {
    try {
      return await read()
    } catch (error) {
      await this.drop()
      throw error
    }
  }

  /** They stay when their message is accepted with them. */
  async given(post: () => Promise<WebReception>): Promise<WebReception> {
    try {
      const reception = await post()
      if (reception.accepted && !reception.duplicate) this.release()
      else await this.drop()
      return reception
    } catch (error) {
      // Whether the message is on disk, the store alone knows.
      this.release()
      throw error
    }
  }

  /** Lets go of all but these. */
  async only(kept: readonly (string | null)[]): Promise<void> {
    const others = this.#references.filter((reference) => !kept.includes(reference))
    this.#references = this.#references.filter((reference) => kept.includes(reference))
    await this.#port.drop(others)
  }

  /** Their message is on disk, or may be. */
  release(): void {
    this.#port.release(this.#references.splice(0))
  }

  /** No message was accepted with them. */
  async drop(): Promise<void> {
    await this.#port.drop(this.#references.splice(0))
  }

  async *#bounded(pieces: AsyncIterable<Uint8Array>, about: string): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const piece of pieces) {
      bytes += piece.length
      this.#bytes += piece.length
      if (bytes > FILE_BYTES_MAX) throw tooLarge(`${about} is larger than ${sizeText(FILE_BYTES_MAX)}.`)
      if (this.#bytes > UPLOAD_BYTES_MAX) throw tooLarge(TOO_LARGE_TOGETHER)
      yield piece
    }
    if (bytes === 0) throw new Refusal(400, 'empty_file', `${about} is empty.`)
  }
}

const TOO_LARGE_TOGETHER = `The files of a message are larger than ${sizeText(UPLOAD_BYTES_MAX)} together.`

function tooLarge(message: string): Refusal {
  return new Refusal(413, 'too_large', message)
}
