// Recent: the last messages that were told, for whoever comes later.
//   I4. Bounded by count and by bytes; the oldest goes first.

import type { Line } from './messages.ts'

export interface Recent {
  readonly bytes: number
  add(line: Line): void
  clear(): void
  [Symbol.iterator](): Iterator<Line>
}

export function createRecent({ messagesMax, bytesMax }: { messagesMax: number; bytesMax: number }): Recent {
  let lines: Line[] = []
  let first = 0
  let bytes = 0

  function forgetOldest(): void {
    bytes -= lines[first]?.bytes.length ?? 0
    first += 1
    // What was forgotten is let go in batches: moving the whole list for each message would cost more than the message.
    if (first * 2 > lines.length) {
      lines = lines.slice(first)
      first = 0
    }
  }

  return {
    get bytes() {
      return bytes
    },
    add(line) {
      lines.push(line)
      bytes += line.bytes.length
      while (lines.length - first > messagesMax || (bytes > bytesMax && lines.length > first)) forgetOldest()
    },
    clear() {
      lines = []
      first = 0
      bytes = 0
    },
    [Symbol.iterator]: () => lines.slice(first)[Symbol.iterator](),
  }
}
