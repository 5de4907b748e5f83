// Folders of runs, through the real actors, with real files: each goes with the end of its turn, whatever that was, and stays where the
// turn goes on in another life.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { type Attachment, UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import { FolderUses } from '../../src/actors/folders.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import { toolBuilder } from '../../src/tools/catalog.ts'
import { receivedOpener } from '../../src/tools/received.ts'
import { clearFolder } from '../../src/tools/cleared.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { jpeg } from '../support/received.ts'
import { held } from '../support/world.ts'
import { temporaryFolder } from '../tools/parts.ts'

const photo: Attachment = { ...UNKNOWN_ATTACHMENT, kind: 'image', reference: 'p1', mediaType: 'image/jpeg' }
const openai = { provider: 'openai', name: 'gpt-4o', baseUrl: null, apiKey: { secret: 'k' }, ...PLAIN_MODEL } as const
const AGENT = { model: openai, tools: ['files'], workdir: 'per_run' } as const satisfies Partial<AgentDefinition>

interface Place extends House {
  /** The folders that are there. */
  work(): string[]
  readonly data: string
}

async function house(more: HouseOptions & { readonly data?: string } = {}, agent: Partial<AgentDefinition> = {}) {
  const { data = temporaryFolder(), ...rest } = more
  const parts = {
    buildTools: toolBuilder({ redact: (text) => text, hidden: [], groups: unrecorded }),
    openReceived: receivedOpener([]),
    clearFolder,
    ...rest.parts,
  }
  const files = new Map([['p1', jpeg('p1')]])
  const gateway = { data, ...rest.gateway }
  const opened = await openHouse({ files, ...rest, gateway, parts, agents: { cfo: { ...AGENT, ...agent } } })
  const work = () => (existsSync(join(data, 'work')) ? readdirSync(join(data, 'work')) : [])
  return { ...opened, work, data } satisfies Place
}

/** Files are real, and so is the time that they take. */
const soon = (look: () => void) => vi.waitFor(look, { interval: 2, timeout: 5_000 })
const gone = ({ work }: Place) => soon(() => expect(work()).toEqual([]))
const there = ({ work }: Place) => soon(() => expect(work()).toHaveLength(1))
const asked = (opened: Place, count: number) => soon(() => expect(opened.thoughts).toHaveLength(count))

describe('goes with the end of the turn', () => {
  test('that is answered', async () => {
    const opened = await house()
    await opened.says('a', 'look', { attachments: [photo] })
    await asked(opened, 1)
    expect(opened.work()).toEqual([expect.stringMatching(/^run-a_c1-/)])
    await opened.thoughts[0]?.answer('a cat')
    await gone(opened)
  })

  test('that is ended while its files are fetched by a platform that does not hear of it', async () => {
    const opened = await house()
    opened.platform('a').nextFetch.push(async ({ take }) => {
      await take(jpeg('half'))
      await held<void>().promise
    })
    await opened.says('a', 'look', { attachments: [photo] })
    await there(opened)
    await opened.says('a', '/stop')
    await gone(opened)
  })

  test.each(['/stop', '/new'])('that is ended with %s while its files are fetched', async (command) => {
    const opened = await house()
    const signals: AbortSignal[] = []
    opened.platform('a').nextFetch.push(async ({ take, signal }) => {
      signals.push(signal)
      await take(jpeg('half'))
      signal.throwIfAborted()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('closed'))))
    })
    await opened.says('a', 'look', { attachments: [photo] })
    await soon(() => expect(signals).toHaveLength(1))
    await there(opened)
    await opened.says('a', command)
    await gone(opened)
    expect(signals[0]?.aborted).toBe(true)
  })

  test('that is ended while its folder is being made', async () => {
    const making = held<void>()
    const open = receivedOpener([])
    const openReceived: typeof open = async (given) => (await making.promise, open(given))
    const removed: string[] = []
    const clearing: typeof clearFolder = async (of) => (await clearFolder(of), void removed.push(of.turn))
    const opened = await house({ parts: { openReceived, clearFolder: clearing } })
    await opened.says('a', 'look', { attachments: [photo] })
    await opened.says('a', '/stop')
    expect(removed).toEqual([])
    making.resolve()
    await soon(() => expect(removed).toEqual(['turn-1']))
    expect(opened.work()).toEqual([])
  })

  test('that is ended in its run, by /stop, an interrupt or a failure', async () => {
    const opened = await house({ channels: { a: { busyMode: 'interrupt' } } })
    await opened.says('a', 'one')
    await asked(opened, 1)
    await opened.says('a', 'two')
    await asked(opened, 2)
    await there(opened)
    await opened.says('a', '/stop')
    await gone(opened)
    await opened.says('a', 'three')
    await asked(opened, 3)
    await opened.thoughts[2]?.fail(new FailureError({ kind: 'permanent', reason: 'refused', message: 'no' }))
    await gone(opened)
  })

  test('of which nothing could be read', async () => {
    const opened = await house({}, { model: { ...openai, name: 'gpt-3.5-turbo' } })
    opened.platform('a').nextFetch.push(() => Promise.reject(new Error('broken')))
    await opened.says('a', '', { attachments: [photo] })
    await soon(() => expect(opened.platform('a').sent).toHaveLength(1))
    await gone(opened)
  })

  test('that an earlier life began, and that is given up before this one takes it up', async () => {
    const first = await house()
    await first.says('a', 'look', { attachments: [photo] })
    await asked(first, 1)
    first.kill()
    const second = await house({ data: first.data, store: first.store, gateway: { concurrentRuns: 0 } })
    expect([second.work().length, second.census().pending]).toEqual([1, 1])
    await second.world.advance(100)
    await second.says('a', '/stop', { platformMessageId: 'another' })
    await gone(second)
  })

  test('and not before everything that works in it has ended', async () => {
    const ending = held<void>()
    const opened = await house({
      parts: {
        buildTools: async (parts) => {
          const toolbox = await toolBuilder({ redact: (text) => text, hidden: [], groups: unrecorded })(parts)
          return { ...toolbox, close: () => ending.promise }
        },
      },
    })
    await opened.says('a', 'one')
    await asked(opened, 1)
    await opened.says('a', '/stop')
    await opened.says('a', 'two')
    await asked(opened, 2)
    expect(opened.work()).toHaveLength(2)
    ending.resolve()
    await there(opened)
  })
})

describe('stays', () => {
  const keep = ({ data, work }: Place) => writeFileSync(join(data, 'work', work()[0] ?? '', 'notes.txt'), 'half')

  test.each(['drain', 'kill'] as const)('where a %s ends the turn, and the next life finds its files', async (end) => {
    const first = await house()
    await first.says('a', 'look', { attachments: [photo] })
    await asked(first, 1)
    keep(first)
    if (end === 'drain') first.gateway.send({ type: 'drain' })
    if (end === 'drain') await first.world.advance(20_000)
    first.kill()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const second = await house({ data: first.data, store: first.store })
    await second.world.advance(100)
    await asked(second, 1)
    expect(second.platform('a').fetched).toEqual([])
    expect(readdirSync(join(second.data, 'work', second.work()[0] ?? '')).toSorted()).toEqual(['notes.txt', 'received'])
    await second.thoughts[0]?.answer('done')
    await gone(second)
  })

  test('when it is a session’s', async () => {
    const opened = await house({}, { workdir: 'per_session' })
    await opened.says('a', 'look', { attachments: [photo] })
    await asked(opened, 1)
    await opened.says('a', '/stop')
    await opened.says('a', 'two')
    await asked(opened, 2)
    expect(opened.work()).toEqual([expect.stringMatching(/^a_c1-/)])
  })
})

test('what an earlier life left in the folder of a session goes with the turn that it began, and with no other', async () => {
  const first = await house({}, { workdir: 'per_session' })
  first.platform('a').nextFetch.push(() => held<void>().promise)
  await first.says('a', 'look', { attachments: [photo] })
  await there(first)
  const received = join(first.data, 'work', first.work()[0] ?? '', 'received')
  const drafts = () => readdirSync(received).filter((name) => name.endsWith('-left.draft'))
  await soon(() => expect(existsSync(received)).toBe(true))
  first.kill()
  for (const seq of [1, 9]) writeFileSync(join(received, `.${seq}-1-left.draft`), 'half')
  const second = await house({ data: first.data, store: first.store }, { workdir: 'per_session' })
  await second.says('a', '/stop', { platformMessageId: 'another' })
  await soon(() => expect(drafts()).toEqual(['.9-1-left.draft']))
})

test('one that cannot be removed is in nobody’s way', async () => {
  const opened = await house({ parts: { clearFolder: () => Promise.reject(new Error('EBUSY')) } })
  for (const count of [1, 2]) {
    await opened.says('a', 'hello')
    await asked(opened, count)
    await opened.thoughts[count - 1]?.answer('yes')
  }
  expect(opened.platform('a').sent).toHaveLength(2)
})

test('what begins to use a folder while it is waited for is waited for too, and nothing is kept of what has ended', async () => {
  const uses = new FolderUses()
  const [of, other] = [
    { session: 'a/c1', turn: 'turn-1' },
    { session: 'a/c1', turn: 'turn-2' },
  ]
  const [first, second] = [held<void>(), held<void>()]
  void uses.during(of, first.promise)
  const order: string[] = []
  const ended = uses.ended(of).then(() => order.push('ended'))
  await uses.ended(other)
  uses.during(of, second.promise).catch(() => {})
  first.resolve()
  await new Promise(setImmediate)
  expect(order).toEqual([])
  second.reject(new Error('broken'))
  await ended
  await uses.ended(of)
})

test('no other folder goes with it', async () => {
  const data = temporaryFolder()
  mkdirSync(join(data, 'work', 'run-of-nobody'), { recursive: true })
  const opened = await house({ data })
  await opened.says('a', 'hello')
  await asked(opened, 1)
  await opened.thoughts[0]?.answer('yes')
  await soon(() => expect(opened.work()).toEqual(['run-of-nobody']))
})
