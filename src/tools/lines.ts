// Lines: a stream of bytes as lines of text, with a bound on each. Memory is bounded by it, whatever comes.

export class Lines {
  readonly #bytesMax: number
  readonly #over: 'refuse' | 'cut'
  #pieces: Buffer[] = []
  #bytes = 0

  /** A longer line is refused, or cut at its bound. */
  constructor(bytesMax: number, over: 'refuse' | 'cut' = 'refuse') {
    this.#bytesMax = bytesMax
    this.#over = over
  }

  /** The lines that this chunk ends; null: one is too long. */
  add(chunk: Buffer): string[] | null {
    const lines: string[] = []
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      if (!this.#keep(chunk.subarray(from, end))) return null
      lines.push(this.#take())
      from = end + 1
    }
    return this.#keep(chunk.subarray(from)) ? lines : null
  }

  #keep(piece: Buffer): boolean {
    const room = this.#bytesMax - this.#bytes
    if (piece.length > room && this.#over === 'refuse') return false
    if (room <= 0 || piece.length === 0) return true
    // Copied: a small piece would keep the pool alive that it was cut from.
    this.#pieces.push(Buffer.from(piece.subarray(0, room)))
    this.#bytes += Math.min(room, piece.length)
    return true
  }

  #take(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#bytes = 0
    return text
  }
}
