// Head and tail: what is kept of an output of any length: its beginning, its end, and how much there was.
//   Memory is bounded by the two, whatever comes.

export class HeadAndTail {
  readonly #bytesMax: number
  #head: Buffer[] = []
  #headBytes = 0
  /** The newest last; together at most a chunk more than is kept. */
  #tail: Buffer[] = []
  #tailBytes = 0
  total = 0

  /** Keeps so many bytes of the beginning, and as many of the end. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  add(chunk: Buffer): void {
    this.total += chunk.length
    const room = this.#bytesMax - this.#headBytes
    // Copied: a small piece would keep the pool alive that it was cut from.
    if (room > 0) this.#head.push(Buffer.from(chunk.subarray(0, room)))
    this.#headBytes += Math.min(room, chunk.length)
    const rest = chunk.subarray(Math.max(0, room))
    if (rest.length === 0) return
    this.#tail.push(Buffer.from(rest.subarray(-this.#bytesMax)))
    this.#tailBytes += Math.min(rest.length, this.#bytesMax)
    while (this.#tail.length > 1 && this.#tailBytes - (this.#tail[0]?.length ?? 0) >= this.#bytesMax) {
      this.#tailBytes -= this.#tail.shift()?.length ?? 0
    }
  }

  /** The text, with a note in the middle when some of it is left out. */
  text(): string {
    const head = Buffer.concat(this.#head)
    const tail = Buffer.concat(this.#tail).subarray(-this.#bytesMax)
    const left = this.total - head.length - tail.length
    if (left === 0) return Buffer.concat([head, tail]).toString('utf8')
    return `${head.toString('utf8')}\n[${left} bytes are left out here]\n${tail.toString('utf8')}`
  }
}
