// Crashes: a real process that is killed while it writes. What it was told is on disk is there, whole, and once.

import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/sqlite.ts'
import { newMessage } from './message-parts.ts'
import { HOLDER, startChild, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

test('S41 G2 M5 P1 kill -9 at any moment: what resolved is there, every commit is whole, nothing is there twice', async () => {
  const folder = temporaryFolder()
  for (const [round, lines] of [1, 7, 100, 1_000].entries()) {
    const printed = await killAfter({ folder, mode: 'honest', round, lines })
    expect(printed.length).toBeGreaterThanOrEqual(lines)
    await checkStore(folder, printed)
  }
})

test('the check catches a store that says it too early', async () => {
  const folder = temporaryFolder()
  const printed = await killAfter({ folder, mode: 'boastful', round: 0, lines: 1 })
  await expect(checkStore(folder, printed)).rejects.toThrow()
})

interface Crash {
  readonly folder: string
  readonly mode: 'honest' | 'boastful'
  readonly round: number
  readonly lines: number
}

async function killAfter({ folder, mode, round, lines }: Crash): Promise<readonly string[]> {
  const child = startChild('child-writer.ts', [mode, folder, `${round}`])
  await child.printed(lines)
  child.process.kill('SIGKILL')
  await once(child.process, 'exit')
  await child.ended
  return child.lines
}

/** Holds the store against what was printed, and against itself. */
async function checkStore(folder: string, printed: readonly string[]): Promise<void> {
  const store = openStore({ folder, holder: HOLDER, world: stillWorld() })
  onTestFinished(() => store.close())
  const unfinished = new Set((await store.unfinished('web', 0, 1_000_000)).map((each) => each.text))
  const turns = (await store.transcript('web/room')).map((each) => each.text)
  const answered = new Set(turns)
  for (const line of printed) {
    const [what, id = '', seq] = line.split(' ')
    expect(answered.has(id) || (what === 'accepted' && unfinished.has(id)), line).toBe(true)
    const again = await store.accept(newMessage({ platformMessageId: id }))
    expect([line, again]).toEqual([line, { seq: Number(seq), duplicate: true }])
  }
  // A commit is whole: as many turns and replies as answered messages, and none of them still waits.
  const counts = await store.counts()
  expect(turns).toHaveLength(answered.size)
  expect([counts.messages.answered, counts.outbox]).toEqual([turns.length, turns.length])
  expect(turns.filter((each) => unfinished.has(each))).toEqual([])
  await store.close()
}
