// Random: every generated id comes from one seeded sequence, so that a run with the same seed has the same ids.

export interface Random {
  /** A whole number from `least` up to and including `most`. */
  integer(least: number, most: number): number
  /** Letters, digits, `-` and `_`. */
  token(length: number): string
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  // Mulberry32: small, fast, and good enough for ids.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    integer: (least, most) => least + Math.floor(next() * (most - least + 1)),
    token: (length) => Array.from({ length }, () => ALPHABET[Math.floor(next() * ALPHABET.length)]).join(''),
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
