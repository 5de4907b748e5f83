// The lock, with real processes: one holds, the next is refused by name, and a killed one leaves nothing behind.

import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { LockHeldError, StoreLockedError } from '../../src/store/failures.ts'
import { holdLock, openStore, readHolder } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { newMessage } from './message-parts.ts'
import { HOLDER, startChild, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

const open = (folder: string): Store => {
  const store = openStore({ folder, holder: HOLDER, world: stillWorld() })
  onTestFinished(() => store.close())
  return store
}

test('S06 P2 a second process on the same data is refused and told who has it', async () => {
  const folder = temporaryFolder()
  const child = startChild('child-holder.ts', ['store', folder])
  await child.printed(1)
  const refusal = thrownBy(() => open(folder))
  expect(refusal).toBeInstanceOf(StoreLockedError)
  const holder = { ...HOLDER, pid: child.process.pid, url: 'http://127.0.0.1:8765' }
  expect(refusal).toMatchObject({ holder, failure: { kind: 'retryable' } })
  expect(String(refusal)).toContain(`process ${child.process.pid}, http://127.0.0.1:8765`)
  expect(String(refusal)).toContain(folder)
  expect(readHolder(folder)).toStrictEqual(holder)
})

test('L1 a killed holder leaves nothing stale: the store opens at once, and nobody is named as its holder', async () => {
  const folder = temporaryFolder()
  for (let round = 0; round < 3; round += 1) {
    const child = startChild('child-holder.ts', ['store', folder])
    await child.printed(1)
    child.process.kill('SIGKILL')
    await once(child.process, 'exit')
    expect(readHolder(folder)).toBeNull()
    const store = open(folder)
    expect(await store.accept(newMessage({ platformMessageId: `${round}` }))).toMatchObject({ duplicate: false })
    expect(readHolder(folder)).toStrictEqual(HOLDER)
    await store.close()
    expect(readHolder(folder)).toBeNull()
  }
})

test('L1 a general lock is held against other processes and this one, until it is released or its holder killed', async () => {
  const path = join(temporaryFolder(), 'locks', 'token')
  const lock = holdLock(path, HOLDER)
  expect(thrownBy(() => holdLock(path, HOLDER))).toMatchObject({ holder: HOLDER, failure: { reason: 'conflict' } })
  lock.release()
  lock.release()
  const child = startChild('child-holder.ts', ['lock', path])
  await child.printed(1)
  expect(thrownBy(() => holdLock(path, HOLDER))).toBeInstanceOf(LockHeldError)
  child.process.kill('SIGKILL')
  await once(child.process, 'exit')
  holdLock(path, HOLDER).release()
})

test('L2 the file that names a holder decides nothing: with no lock nobody holds, without a name the lock still does', () => {
  const path = join(temporaryFolder(), 'lock')
  writeFileSync(`${path}.json`, JSON.stringify({ ...HOLDER, pid: 1 }))
  expect(readHolder(join(path, '..'))).toBeNull()
  const lock = holdLock(path, HOLDER)
  for (const content of ['', 'null', '{"pid":"1"}']) {
    writeFileSync(`${path}.json`, content)
    expect(thrownBy(() => holdLock(path, HOLDER))).toMatchObject({ name: 'LockHeldError', holder: null })
  }
  lock.release()
  expect(existsSync(`${path}.json`)).toBe(false)
})

test('a lock that nobody refers to any more is still held', async () => {
  const path = join(temporaryFolder(), 'lock')
  holdLock(path, HOLDER)
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  for (let n = 0; n < 3; n += 1) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(thrownBy(() => holdLock(path, HOLDER))).toBeInstanceOf(LockHeldError)
})

test('asking who holds a folder never keeps anybody from opening it', async () => {
  const folder = temporaryFolder()
  await open(folder).close()
  const child = startChild('child-holder.ts', ['probe', folder])
  await child.printed(1)
  for (let n = 0; n < 50; n += 1) await openStore({ folder, holder: HOLDER, world: stillWorld() }).close()
  expect(child.process.exitCode).toBeNull()
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}
