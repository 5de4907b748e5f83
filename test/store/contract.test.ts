// The contract against both stores, and against stores that are each broken in one way: every check must catch one.

import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { NewTranscriptEntry } from '../../machines/messages.ts'
import { openMemoryStore, openStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import type { World } from '../../src/world.ts'
import { breakages } from './broken-stores.ts'
import { type Check, checks } from './contract.ts'
import { entriesOf } from './contract-history.ts'
import { newCommit } from './message-parts.ts'
import { HOLDER, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

storeContract('memory store', (world) => openMemoryStore({ world }))
storeContract('file store', (world) => openStore({ folder: temporaryFolder(), holder: HOLDER, world }))

describe('a broken store is caught', () => {
  for (const check of checks) {
    test(check.name, async () => {
      const breakage = breakages[check.name]
      expect(breakage, 'each check has a broken store that it must catch').toBeDefined()
      const open = (world: World) => {
        const store = openMemoryStore({ world })
        return { ...store, ...breakage?.(store) }
      }
      await expect(runCheck(check, open)).rejects.toThrow()
    })
  }
})

test('history agrees with a plain reading of the whole transcript, for any order of turns, undos and resets', async () => {
  const word = fc.oneof(
    { weight: 6, arbitrary: fc.nat(1_000_000).map((n) => `T${n}`) },
    { weight: 3, arbitrary: fc.constant('undo') },
    { weight: 1, arbitrary: fc.constant('reset') },
  )
  const script = fc.uniqueArray(word, {
    minLength: 1,
    maxLength: 30,
    selector: (each) => (each[0] === 'T' ? each : {}),
  })
  const store = openMemoryStore({ world: stillWorld() })
  onTestFinished(() => store.close())
  let session = 0
  await fc.assert(
    fc.asyncProperty(script, async (words) => {
      session += 1
      const sessionKey = `session ${session}`
      const entries = entriesOf(words.join(' '))
      await store.commit(newCommit({ sessionKey, entries }))
      const history = await store.history(sessionKey)
      expect(history.map((each) => each.text)).toEqual(plainHistory(entries).map((each) => each.text))
    }),
  )
})

function storeContract(name: string, open: (world: World) => Store) {
  describe(`the contract, ${name}`, () => {
    for (const check of checks) test(check.name, () => runCheck(check, open))
  })
}

async function runCheck(check: Check, open: (world: World) => Store): Promise<void> {
  const world = stillWorld()
  const store = open(world)
  onTestFinished(() => store.close())
  await check.run(store, world)
}

/** Reads forwards, with a stack: another way than the store's. */
function plainHistory(entries: readonly NewTranscriptEntry[]): NewTranscriptEntry[] {
  let turns: NewTranscriptEntry[][] = []
  for (const entry of entries) {
    if (entry.role === 'reset') turns = []
    else if (entry.role === 'undo') turns.pop()
    else if (turns.at(-1)?.[0]?.turn === entry.turn) turns.at(-1)?.push(entry)
    else turns.push([entry])
  }
  return turns.flat()
}
