// Soak, through the binary: what a gateway that is used in every way holds when it rests. `npm run soak` is the same for longer.

import { expect, test } from 'vitest'
import { BROKEN, flagsOf } from '../soak/broken.ts'
import { soak } from '../soak/soak.ts'
import { TALKS } from '../soak/talks.ts'

const SMALL = { laps: 3, talks: Object.keys(TALKS).length, seed: 1 }
const SOAK_MS_MAX = 60_000

test.concurrent('nothing grows from lap to lap, whatever people do', { timeout: SOAK_MS_MAX }, async () => {
  const { looks, talks, grown } = await soak(SMALL)
  expect(grown).toEqual([])
  expect(looks).toHaveLength(3)
  expect([...talks.values()].every((count) => count === 3)).toBe(true)
})

test.concurrent('a soak finds what each broken subject keeps', { timeout: SOAK_MS_MAX }, async () => {
  // All three at once: a process is dear.
  const nodeFlags = Object.keys(BROKEN).flatMap(flagsOf)
  const { grown } = await soak({ ...SMALL, nodeFlags })
  expect(grown.join('; ')).toMatch(/^the heap, by [\d.]+ MB; what is open, by \d+; processes, by \d+$/)
})
