// Child process: writes to a store as fast as it can and prints what resolved, one line each, until it is killed.
// `honest` prints after the promise resolved; `boastful` prints before the write happened: the check must catch it.

import { writeSync } from 'node:fs'
import { openStore } from '../../src/store/sqlite.ts'
import { realWorld } from '../../src/world.ts'
import { newCommit, newMessage } from './message-parts.ts'

const [mode = '', folder = '', round = ''] = process.argv.slice(2)
const holder = { pid: process.pid, url: null, startedAt: new Date().toISOString() }
const store = openStore({ folder, holder, world: realWorld({}) })

const say = (line: string) => void writeSync(1, `${line}\n`)

async function turn(id: string): Promise<void> {
  const message = newMessage({ platformMessageId: id, text: id })
  const accepted = store.accept(message)
  if (mode === 'boastful') {
    say(`accepted ${id} 1`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  const { seq } = await accepted
  say(`accepted ${id} ${seq}`)
  await store.commit(
    newCommit({
      settled: [{ seq, outcome: 'answered', reason: null }],
      entries: [{ role: 'user', turn: id, text: id, sender: message.sender }],
      replies: [{ conversation: 'room', text: id, replyTo: null }],
    }),
  )
  say(`answered ${id} ${seq}`)
}

async function turnsForEver(line: number): Promise<never> {
  for (let n = 0; ; n += 1) await turn(`${round}-${line}-${n}`)
}

await Promise.all(Array.from({ length: 20 }, (_, line) => turnsForEver(line)))
