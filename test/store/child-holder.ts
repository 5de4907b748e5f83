// Child process: opens the store of a folder (`store`) or holds a lock (`lock`), says so, and stays until it is killed.
// `probe` asks who holds the folder until it is killed, as fast as it can.

import { type Holder } from '../../src/store/failures.ts'
import { holdLock, openStore, readHolder, updateHolder } from '../../src/store/sqlite.ts'
import { realWorld } from '../../src/world.ts'

const [mode = '', path = ''] = process.argv.slice(2)
const holder: Holder = { pid: process.pid, url: null, startedAt: '2026-01-02T03:04:05.000Z' }

if (mode === 'probe') {
  console.log('probing')
  for (;;) readHolder(path)
}
if (mode === 'store') {
  openStore({ folder: path, holder, world: realWorld({}) })
  updateHolder(path, { ...holder, url: 'http://127.0.0.1:8765' })
} else {
  holdLock(path, holder)
}
console.log('held')
setInterval(() => {}, 60_000)
