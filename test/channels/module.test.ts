// Module: a channel of the user's own, held to the contract of an adapter; what is wrong with a module is said in words.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { failureOf } from '../../machines/failure.ts'
import type { Adapter, Door } from '../../src/channels/adapter.ts'
import { moduleAtWork } from '../../src/channels/module-scope.ts'
import { startLinesServer } from '../fixtures/own/lines-server.ts'
import { openChannel } from '../support/own-channel.ts'
import { testWorld } from '../support/world.ts'
import { type AdapterHarness, brokenAdapter, failingChecks } from './contract.ts'
import { describeAdapter } from './describe-adapter.ts'

let folder: string
let lines: string

/** The user's example; what it imports from the package stands in the sources here. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-module-'))
  const own = join(import.meta.dirname, '../fixtures/own')
  const url = pathToFileURL(join(import.meta.dirname, '../../src/channels/define-channel.ts')).href
  copyFileSync(join(own, 'lines-server.ts'), join(folder, 'lines-server.ts'))
  lines = written('lines.ts', readFileSync(join(own, 'lines.ts'), 'utf8').replace('troupe/channel', url))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describeAdapter('a module', openLines)

test('the suite catches a module that loses messages and sends nothing', async () => {
  const failing = await failingChecks(async () => {
    const harness = await openLines()
    return { ...harness, build: () => brokenAdapter(harness.build()) }
  })
  expect(failing).toEqual(
    expect.arrayContaining([
      'S46 a message that could not be kept is not lost: it is offered again, or its writer is told',
      'a sent reply is shown, and its receipt is new each time',
    ]),
  )
})

describe('the example', () => {
  test('a wrong password is permanent, and stands in no failure', async () => {
    const server = await startLinesServer('right')
    const adapter = openChannel(lines, { settings: { port: server.port }, token: 'wrong' })
    expect(await failureFrom(adapter.run(DOOR, NEVER))).toMatchObject({ kind: 'permanent', reason: 'unauthorized' })
    await server.close()
  })

  test('D2: a line that was cut before its receipt is in doubt; one without a connection is not', async () => {
    const server = await startLinesServer()
    const adapter = openChannel(lines, { settings: { port: server.port } })
    expect((await failureFrom(adapter.send(HELLO, 0, NEVER))).uncertain).toBeUndefined()
    const live = Promise.withResolvers<void>()
    const ended = failureFrom(adapter.run({ ...DOOR, live: () => live.resolve() }, NEVER))
    await live.promise
    server.cutsNext()
    expect(await failureFrom(adapter.send(HELLO, 0, NEVER))).toMatchObject({ kind: 'retryable', uncertain: true })
    expect(await ended).toMatchObject({
      kind: 'retryable',
      message: expect.stringContaining('it closed the connection'),
    })
    await server.close()
  })
})

describe('what is wrong with a module', () => {
  const RUN = 'run: async () => {}, send: async () => {}, probe: async () => ({ id: "1", name: "me" })'
  test.each([
    ['is not there', null, 'is not there'],
    ['no function', 'export default {}', 'has no default export that is a function'],
    ['a syntax error', 'export default (', 'failed ('],
    [
      'throws',
      'export default () => { throw new Error("settings.port is missing") }',
      'does not begin (Error: settings.port is missing)',
    ],
    ['no adapter', 'export default () => 7', 'gives an adapter without run'],
    ['half an adapter', 'export default () => ({ run() {}, probe() {} })', 'gives an adapter without send'],
  ])('%s', async (name, source, said) => {
    const path = source === null ? join(folder, 'nowhere.ts') : written(`${name.replaceAll(' ', '-')}.mjs`, source)
    const failure = await failureFrom(openChannel(path).run(DOOR, NEVER))
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'missing', phase: 'construct' })
    expect(failure.message).toContain(said)
    const mend = name === 'throws' ? `Look at what the file gives it, or mend ${path}` : `Mend ${path}`
    expect(failure.remedy).toBe(`${mend}; then reconnect the channel`)
  })

  test('one that never ends while it is loaded is given up', async () => {
    const world = testWorld()
    const path = written('endless.mjs', 'await new Promise(() => {}); export default () => {}')
    const failed = failureFrom(openChannel(path, { world }).run(DOOR, NEVER))
    await world.advance(5_000)
    expect((await failed).message).toContain('was not loaded within 5 seconds')
  })

  test('A3: what it throws is a platform that is away, told without its token', async () => {
    const path = written(
      'throws-its-token.mjs',
      `export default ({ token }) => ({ ${RUN}, run: async () => { throw new Error(token()) } })`,
    )
    const failure = await failureFrom(openChannel(path, { token: 'hush-hush' }).run(DOOR, NEVER))
    expect(failure).toMatchObject({ kind: 'retryable', message: 'the platform is away: [token]' })
  })

  test('a failure from another copy of the package is one', async () => {
    const thrown =
      'Object.assign(new Error("no"), { failure: { kind: "permanent", reason: "forbidden", message: "no" } })'
    const path = written('other.mjs', `export default () => ({ ${RUN}, run: async () => { throw ${thrown} } })`)
    expect(await failureFrom(openChannel(path).run(DOOR, NEVER))).toEqual({
      kind: 'permanent',
      reason: 'forbidden',
      message: 'no',
    })
  })

  test('a send that throws is in doubt; one without a receipt too, and is not tried again', async () => {
    const path = written('sends.mjs', `export default () => ({ ${RUN} })`)
    expect(await failureFrom(openChannel(path).send(HELLO, 0, NEVER))).toMatchObject({
      kind: 'permanent',
      uncertain: true,
    })
    const throwing = written(
      'sends-not.mjs',
      `export default () => ({ ${RUN}, send: async () => { throw new Error('x') } })`,
    )
    expect(await failureFrom(openChannel(throwing).send(HELLO, 0, NEVER))).toMatchObject({
      kind: 'retryable',
      uncertain: true,
    })
  })

  test('a message of the wrong form is named by its member, and not accepted', async () => {
    const message = '{ conversation: "c", platformMessageId: 5 }'
    const path = written('form.mjs', `export default () => ({ ${RUN}, run: (door) => door.receive(${message}) })`)
    const taken: unknown[] = []
    const door: Door = {
      ...DOOR,
      receive: async (given) => (taken.push(given), { accepted: true, duplicate: false, seq: 1 }),
    }
    const failure = await failureFrom(openChannel(path).run(door, NEVER))
    expect(failure.message).toContain('a message whose platformMessageId is not of the type string')
    expect(taken).toEqual([])
  })

  test('what it began and did not wait for is its own; what it calls of ours is ours', async () => {
    const seen: Record<string, string | null> = {}
    const all = Promise.withResolvers<void>()
    const SEEN = 'troupeModuleSeen'
    const note = (way: string): void => {
      seen[way] = moduleAtWork()
      if (Object.keys(seen).length === 4) all.resolve()
    }
    Object.assign(globalThis, { [SEEN]: note })
    onTestFinished(() => void Reflect.deleteProperty(globalThis, SEEN))
    const stray = `setTimeout(() => globalThis.${SEEN}('timer'), 1); Promise.reject(1).catch(() => globalThis.${SEEN}('promise'))`
    const run = `run: async (door) => { ${stray}; door.live({ id: '1', name: 'me' }); await door.receive(${WHOLE}).catch(() => {}) }`
    const door: Door = {
      live: () => note('live'),
      receive: async () => {
        note('receive')
        return { accepted: true, duplicate: false, seq: 1 }
      },
    }
    await openChannel(written('strays.mjs', `export default () => ({ ${RUN}, ${run} })`)).run(door, NEVER)
    await all.promise
    const owner = 'the channel module strays.mjs'
    expect(seen).toEqual({ timer: owner, promise: owner, live: null, receive: null })
    expect(moduleAtWork()).toBeNull()
  })

  test('a changed file is loaded by the next connection', async () => {
    const path = written(
      'changed.mjs',
      `export default () => ({ ${RUN}, run: async (door) => door.live({ id: '1', name: 'old' }) })`,
    )
    const adapter = openChannel(path)
    expect(await nameOf(adapter)).toBe('old')
    written(
      'changed.mjs',
      `export default () => ({ ${RUN}, run: async (door) => door.live({ id: '1', name: 'new' }) })`,
    )
    utimesSync(path, 1, 1)
    expect(await nameOf(adapter)).toBe('new')
  })
})

/** A message with all that one has, in a module's words. */
const WHOLE = `{ channel: 'test', conversation: 'c', platformMessageId: '1', kind: 'dm', sender: {}, text: '', addressed: true, album: null, attachments: [], continues: false }`
const NEVER = new AbortController().signal
const DOOR: Door = { live: () => {}, receive: () => Promise.reject(new Error('nobody writes')) }
const HELLO = { outboxId: 1, conversation: 'anna', text: 'hello', replyTo: null, uncertain: false }

function written(name: string, source: string): string {
  const path = join(folder, name)
  writeFileSync(path, source)
  return path
}

async function failureFrom(promise: Promise<unknown>) {
  const thrown = await promise.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  )
  return failureOf(thrown)
}

async function nameOf(adapter: Adapter): Promise<string> {
  let name = ''
  await adapter.run({ ...DOOR, live: (identity) => void (name = identity.name) }, NEVER)
  return name
}

async function openLines(): Promise<AdapterHarness> {
  const server = await startLinesServer('secret')
  return {
    conversation: 'anna',
    sends: 'connected',
    build: () => openChannel(lines, { settings: { port: server.port }, token: 'secret' }),
    async write(text, id) {
      server.says(id, text)
      return 'held'
    },
    shown: async () => server.said,
    close: () => server.close(),
  }
}
