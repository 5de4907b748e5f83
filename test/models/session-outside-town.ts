// Town: where the paths from outside are walked: one gateway process, its two bots, its model and its tools, all in the test's hand.
// Each path is a person of its own in a private chat. Owns all of it; everything is gone after `close`.
//   What a person writes names that person, so that a request of the model is known by its texts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Status } from '../../src/http/port.ts'
import { startBotApi } from '../support/bot-api/server.ts'
import { launch } from '../support/gateway-process.ts'
import { type Exchange, startModelServer } from '../support/model-server.ts'
import type { Subject } from '../support/paths.ts'
import { type Replaced, replacing } from '../support/replaced.ts'
import { readJson } from './session-outside-looks.ts'
import { type Asked, type Calls, type End, type Mode, outsideSubject } from './session-outside-subject.ts'
import type { OutsideMachine } from './session-outside.ts'

export interface Town {
  /** A new person, who writes to the bot of this mode. `patienceMs`: how long what is expected may take to be seen. */
  subject(mode: Mode, patienceMs: number): Subject<OutsideMachine>
  /** What GET /status says of all who are here, and what it should say once all paths have been walked. */
  status(): Promise<{ readonly found: Totals; readonly expected: Totals }>
  close(): Promise<void>
}

interface Totals {
  readonly pending: number
  readonly running: number
  readonly queued: number
  readonly dead: number
}

const TOKENS = { queue: `1001:${'q'.repeat(35)}`, interrupt: `1002:${'i'.repeat(35)}` } as const

/** `wrong`: what is exchanged in the gateway's program. */
export async function openTown(...wrong: readonly Replaced[]): Promise<Town> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-paths-'))
  const [api, model, tools] = await Promise.all([startBotApi(), startModelServer(), startTools()])
  const bots = {
    queue: api.addBot({ token: TOKENS.queue, username: 'queue_bot' }),
    interrupt: api.addBot({ token: TOKENS.interrupt, username: 'interrupt_bot' }),
  }
  for (const name of ['look', 'write'] as const) writeFileSync(join(folder, `${name}.ts`), moduleOf(name, tools.url))
  const channel = (mode: Mode) => ({
    ...{ platform: 'telegram', agent: 'cfo', token: TOKENS[mode], api_root: api.url },
    ...{ unknown_user_policy: 'allow', queue_limit: 1, busy_mode: mode },
  })
  const file = {
    gateway: { concurrent_runs: 1_000 },
    agents: {
      cfo: {
        instructions: 'You are cfo.',
        model: { provider: 'openai-compatible', name: 'test', base_url: model.baseUrl },
        tools: ['./look.ts', './write.ts'],
      },
    },
    channels: { queue: channel('queue'), interrupt: channel('interrupt') },
  }
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify(file))
  const gateway = launch({ folder, environment: { TMPDIR: folder }, nodeFlags: replacing(...wrong) })
  await gateway.rollCall()
  const requests = new Map<number, Asked[]>()
  void hearModel(model.next, requests)
  const ended: End[] = []
  return {
    async status() {
      const { sessions, dead_letters: dead } = await readJson<Pick<Status, 'sessions' | 'dead_letters'>>(
        gateway,
        '/status',
      )
      const { pending, running, queued_messages: queued } = sessions
      const sum = (of: (end: End) => number): number => ended.reduce((total, end) => total + of(end), 0)
      const expected = {
        pending: 0,
        running: sum(({ seen }) => Number(seen.at === 'working')),
        queued: sum(({ seen }) => seen.inbox.length),
        dead: sum((end) => end.dead),
      }
      return { found: { pending, running, queued, dead }, expected }
    },
    subject(mode, patienceMs) {
      const person = api.person()
      const asked: Asked[] = []
      requests.set(person.id, asked)
      const calls = tools.of(person.id)
      return outsideSubject({ gateway, bot: bots[mode], mode, person, asked, calls, patienceMs, ended })
    },
    async close() {
      await gateway.kill9()
      await Promise.all([api.close(), model.close(), tools.close()])
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

// --- the model ----------------------------------------------------------------------------------------------------------

async function hearModel(next: () => Exchange, requests: ReadonlyMap<number, Asked[]>): Promise<never> {
  for (;;) {
    const exchange = next()
    const request = await exchange.arrived
    const asked: Asked = { request, exchange, isOver: false }
    void exchange.closedByClient.then(() => (asked.isOver = true))
    const person = /\bof (\d+)\b/.exec(request.messages.map(({ content }) => content).join('\n'))?.[1]
    requests.get(Number(person))?.push(asked)
  }
}

// --- the tools ----------------------------------------------------------------------------------------------------------

/** `look` only looks; people are asked about `write`. Both wait until they are told to end. */
function moduleOf(name: 'look' | 'write', url: string): string {
  return `export default {
    description: ${JSON.stringify(name)},
    changes: ${name === 'write'},
    idempotent: ${name === 'look'},
    call: async (_, { signal, sender }) => (await fetch(\`${url}/${name}/\${sender.id}\`, { signal })).text(),
  }`
}

async function startTools() {
  const people = new Map<number, Calls>()
  const of = (person: number): Calls => {
    const calls = people.get(person) ?? { open: new Map() }
    people.set(person, calls)
    return calls
  }
  const server = createServer((request, response) => {
    const [, name = '', person] = (request.url ?? '').split('/')
    const { open } = of(Number(person))
    open.set(response, name)
    response.once('close', () => open.delete(response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the tools have no port')
  return {
    of,
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
