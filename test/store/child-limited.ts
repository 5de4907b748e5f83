// Child process: opens a store under a limit of its user or of its files' size, and prints what came of it, as JSON lines.
// `unprivileged` gives root's rights up first; `limited` accepts until the disk takes no more, and then once more.

import { failureOf } from '../../machines/failure.ts'
import { openStore } from '../../src/store/sqlite.ts'
import { realWorld } from '../../src/world.ts'
import { newMessage } from './message-parts.ts'

const [mode = '', folder = ''] = process.argv.slice(2)
const holder = { pid: process.pid, url: null, startedAt: '2026-01-02T03:04:05.000Z' }
const say = (value: unknown) => console.log(JSON.stringify(value))

try {
  if (mode === 'unprivileged' && process.getuid?.() === 0) process.setuid?.(65_534)
  const store = openStore({ folder, holder, world: realWorld({}) })
  for (let n = 0; mode === 'limited' && n < 10_000; n += 1) {
    await store.accept(newMessage({ platformMessageId: `${n}`, text: 'x'.repeat(2_000) }))
    say({ accepted: `${n}` })
  }
  await store.close()
  say({ opened: true })
} catch (thrown) {
  say({ failure: failureOf(thrown) })
  process.exit()
}
