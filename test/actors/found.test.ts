// Found: what the simulation found, each as the shortest schedule that shows it.

import { describe, expect, test } from 'vitest'
import type { AnyActorRef } from 'xstate'
import { FailureError } from '../../machines/failure.ts'
import { type Inbox, itemOf, resumedFirst, takeSteering } from '../../machines/inbox.ts'
import { GATHER_QUIET_MS, RECOVERY_BATCH } from '../../machines/limits.ts'
import type { AcceptedMessage, TranscriptEntry } from '../../machines/messages.ts'
import type { Store } from '../../src/store/store.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'
import { held, settled } from '../support/world.ts'

const FULL = new FailureError({ kind: 'retryable', reason: 'storage', message: 'the disk is full' })

const LOOK: Tool = {
  name: 'look',
  description: 'look',
  parameters: { type: 'object' },
  changes: false,
  idempotent: true,
  call: async () => 'nothing',
}

/** The ids of what tools were asked for, by the entries that close a turn. */
function callsIn(history: readonly TranscriptEntry[]): string[][] {
  const ids = ({ steps }: TranscriptEntry) =>
    steps.flatMap((step) => (step.kind === 'answer' ? step.calls.map(({ id }) => id) : []))
  return history.filter(({ role }) => role === 'assistant').map(ids)
}

/** A house whose disk refuses commits while it is full. */
async function houseWithDisk(options: HouseOptions = {}) {
  const disk = { full: false }
  const wrap = (store: Store): Store => ({
    ...store,
    commit: async (commit) => {
      if (disk.full) throw FULL
      await store.commit(commit)
    },
  })
  return { disk, house: await openHouse({ ...options, wrap }) }
}

test('S1 S38: a session that fails takes its run with it: no second request beside the first', async () => {
  const { disk, house } = await houseWithDisk()
  await house.says('a', 'one')
  disk.full = true
  await house.says('a', '/help')
  expect(house.thoughts[0]?.closed()).toBe(true)
  disk.full = false
  await house.world.advance(1_000)
  expect(house.thoughts).toHaveLength(2)
  await house.thoughts[1]?.answer('once')
  expect(house.platform('a').sent.map((sent) => sent.text)).toContain('once')
})

test('S44: a session that fails in a drain does not take its partition along', async () => {
  const house = await openHouse({ gateway: { drainMs: 5_000 } })
  await house.says('a', 'breaks', { conversation: 'c1' })
  await house.says('a', 'hangs', { conversation: 'c2' })
  house.gateway.send({ type: 'drain' })
  await settled()
  await house.thoughts[0]?.fail(new TypeError('bug'))
  await house.world.advance(5_000)
  await house.world.advance(1_500)
  expect(house.gateway.getSnapshot().status).toBe('done')
  expect((await house.store.begin('a/c2', 'turn-1', [2])).exhausted).toEqual([])
  expect((await house.store.counts()).messages.waiting).toBe(2)
})

test('M3: a refused message that is retried as a dead letter runs, also while its session lives', async () => {
  const house = await openHouse({ channels: { a: { queueLimit: 1 } } })
  for (const text of ['one', 'two', 'three']) await house.says('a', text)
  const [letter] = await house.store.deadLetters(1)
  const retried = await house.store.retryDeadLetter(letter?.id ?? 0)
  if (retried?.kind !== 'message') throw new Error('the refused message is a dead letter')
  house.gateway.send({ type: 'message.accepted', message: { ...retried.message, again: 'retry' } })
  for (const answer of ['first', 'second', 'third']) await house.thoughts.at(-1)?.answer(answer)
  expect(house.platform('a').sent.map((sent) => sent.text)).toContain('third')
})

test('S26 M5: what was kept is not refused after a restart, although the turn at work stands in the inbox again', async () => {
  const house = await openHouse({ channels: { a: { queueLimit: 1 } } })
  await house.says('a', 'one')
  await house.says('a', 'two')
  house.kill()
  const next = await openHouse({ channels: { a: { queueLimit: 1 } }, store: house.store, world: house.world })
  await next.thoughts.at(-1)?.answer('first')
  await next.thoughts.at(-1)?.answer('second')
  expect(next.platform('a').sent.map((sent) => sent.text)).toEqual(['first', 'second'])
})

test('M4: a session that was restarted with a command and a message is not passivated in the middle of its run', async () => {
  const { disk, house } = await houseWithDisk({ gateway: { passivateAfterMs: 4_000 } })
  disk.full = true
  await house.says('a', '/help')
  await house.says('a', 'work')
  disk.full = false
  await house.world.advance(1_000)
  for (let sweep = 0; sweep < 6; sweep += 1) await house.world.advance(1_000)
  expect(house.census().running).toBe(1)
  expect(house.thoughts.at(-1)?.closed()).toBe(false)
})

test('a message right behind /undo finds the history without that turn', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('first')
  await Promise.all([house.says('a', '/undo'), house.says('a', 'two')])
  expect(house.thoughts[1]?.request.history).toEqual([])
})

test('S34: /new while a commit waits for the disk ends that turn: its answer never comes', async () => {
  const { disk, house } = await houseWithDisk()
  await house.says('a', 'one')
  disk.full = true
  await house.thoughts[0]?.answer('first')
  disk.full = false
  await house.says('a', '/new')
  await house.world.advance(60_000)
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual([expect.stringContaining('empty now')])
  expect(await house.store.history('a/c1')).toEqual([])
})

test('S31: a /retry with nothing to retry leaves no empty question behind', async () => {
  const house = await openHouse()
  await house.says('a', '/retry')
  await house.says('a', '/retry')
  expect(house.thoughts).toEqual([])
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual([
    expect.stringContaining('no earlier message'),
    expect.stringContaining('no earlier message'),
  ])
})

test('M3: a part that comes while a long queue is gathered is kept', async () => {
  const house = await openHouse()
  await house.says('a', 'x'.repeat(4_096), { continues: true })
  for (let message = 0; message < 12; message += 1) {
    await house.says('a', `m${message}`, { sender: { id: '2', name: 'Bo', handle: null } })
  }
  await house.says('a', 'tail')
  await house.world.advance(6_000)
  for (let turn = 0; turn < 15; turn += 1) await house.thoughts.at(-1)?.answer('ok')
  expect((await house.store.counts()).messages.waiting).toBe(0)
})

test('S19: two short messages behind a split text are turns of their own', async () => {
  const house = await openHouse()
  await house.says('a', 'x'.repeat(4_096), { continues: true })
  for (const text of ['tail', 'second', 'third']) await house.says('a', text)
  await house.world.advance(1_000)
  expect(house.thoughts[0]?.request.messages.map((message) => message.text.slice(-6))).toEqual(['xxtail'])
})

test('C2: a connection that does not end is reported, and no control opens a second one beside it', async () => {
  const house = await openHouse()
  let end = (): void => {}
  house.platform('a').nextRun.push((door) => {
    door.live({ id: '99', name: '@bot' })
    return new Promise((resolve) => (end = resolve))
  })
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(15_000)
  expect(house.reports.get('a')).toMatchObject({ state: 'failed', failure: { remedy: 'Restart the gateway' } })
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  expect(house.platform('a').connections).toBe(1)
  end()
  await house.world.advance(0)
  expect(house.reports.get('a')?.state).toBe('live')
})

test('S46: a disk that fails for long strands nobody: the message is answered when the disk is well', async () => {
  const { disk, house } = await houseWithDisk()
  disk.full = true
  await house.says('a', '/help')
  for (let minute = 0; minute < 30; minute += 1) await house.world.advance(60_000)
  disk.full = false
  await house.world.advance(60_000)
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual([expect.stringContaining('/help')])
})

test('S44: a drain while unfinished messages are read begins no run that the drain then ends', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  house.kill()
  let read = (): void => {}
  const gate = new Promise<void>((resolve) => (read = resolve))
  const wrap = (store: Store): Store => ({ ...store, owed: (channel) => gate.then(() => store.owed(channel)) })
  const next = await openHouse({ store: house.store, world: house.world, gateway: { drainMs: 1_000 }, wrap })
  next.gateway.send({ type: 'drain' })
  read()
  await next.world.advance(1_000)
  await next.world.advance(1_500)
  expect(next.gateway.getSnapshot().status).toBe('done')
  // One try for the process that was killed, none for the drain.
  expect((await house.store.begin('a/c1', 'turn-1', [1])).exhausted).toEqual([])
  expect((await house.store.begin('a/c1', 'turn-1', [1])).exhausted).toEqual([])
  expect((await house.store.begin('a/c1', 'turn-1', [1])).exhausted).toEqual([1])
})

test('D2: a send whose attempt took the disk longer than its deadline is not made after all', async () => {
  let written = (): void => {}
  const slow = new Promise<void>((resolve) => (written = resolve))
  let attempts = 0
  const wrap = (store: Store): Store => ({
    ...store,
    attempt: async (id) => {
      attempts += 1
      if (attempts === 1) await slow
      await store.attempt(id)
    },
  })
  const house = await openHouse({ wrap })
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('first')
  await house.world.advance(60_000)
  await house.world.advance(1_000)
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['first'])
  written()
  await settled()
  expect(house.platform('a').sent).toHaveLength(1)
})

describe('S42: a turn that had gone ahead as steering goes on with its steps', () => {
  const brokenHouse = async () => {
    const calls: string[] = []
    const write: Tool = { ...LOOK, name: 'write', idempotent: false, call: async () => calls.push('write').toString() }
    const options: HouseOptions = { agents: { cfo: { tools: ['write'] } }, tools: { write } }
    const house = await openHouse(options)
    await house.says('a', 'first')
    await house.says('a', 'older')
    await house.says('a', '/steer ahead')
    await house.thoughts[0]?.answer('ok')
    await house.thoughts[1]?.asks({ id: '1', tool: 'write', input: {} })
    return { house, calls, options }
  }
  const asked = (house: House) =>
    house.thoughts.map(({ request }) => [request.messages.map(({ text }) => text), request.steps.length])

  test('before what is older, after the process was lost', async () => {
    const { house, calls, options } = await brokenHouse()
    house.kill()
    const next = await openHouse({ ...options, store: house.store, world: house.world })
    expect(asked(next)).toEqual([[['ahead'], 3]])
    await next.thoughts[0]?.answer('done')
    expect(asked(next).slice(1)).toEqual([[['older'], 0]])
    expect(calls).toHaveLength(1)
  })

  test('and after its session failed', async () => {
    const { house, calls } = await brokenHouse()
    await house.thoughts[2]?.fail(new TypeError('bug'))
    await house.world.advance(1_000)
    expect(asked(house).at(-1)).toEqual([['ahead'], 3])
    expect(calls).toHaveLength(1)
  })
})

test('S42: only the parts of a resumed turn go ahead with it, and keep their order', () => {
  const text = { command: { name: 'steer', text: 'two parts' }, continues: true, resumes: true } as const
  const messages = [{}, text, { command: { name: 'queue', text: 'later' } }, {}, { album: 'a' }]
  const read = messages.map((given, index) => acceptedMessage('', { ...given, seq: index + 1 }))
  const album = read.map((message) => (message.seq === 2 ? { ...message, album: 'a' } : message))
  expect(resumedFirst(read, 'collect').map(({ seq }) => seq)).toEqual([2, 1, 3, 4, 5])
  expect(resumedFirst(album, 'steer').map(({ seq }) => seq)).toEqual([2, 5, 1, 3, 4])
  expect(resumedFirst(read.slice(2), 'steer')).toEqual(read.slice(2))
  const collected = [{ ...read[0]!, resumes: true as const }, ...read.slice(2)]
  expect(resumedFirst(collected, 'collect')).toEqual(collected)
})

test('S42: a turn of several messages goes on with all of them after the process was lost', async () => {
  const options: HouseOptions = {
    channels: { a: { busyMode: 'collect' } },
    agents: { cfo: { tools: ['look'] } },
    tools: { look: LOOK },
  }
  const house = await openHouse(options)
  for (const text of ['one', 'two', 'three']) await house.says('a', text)
  await house.thoughts[0]?.answer('first')
  await house.thoughts[1]?.asks({ id: '1', tool: 'look', input: {} })
  house.kill()
  const next = await openHouse({ ...options, store: house.store, world: house.world })
  expect(next.thoughts[0]?.request.messages.map(({ text }) => text)).toEqual(['two', 'three'])
  await next.thoughts[0]?.answer('both')
  expect(next.thoughts).toHaveLength(1)
  expect((await house.store.counts()).messages).toMatchObject({ answered: 3, waiting: 0 })
})

describe('S42: several tools at once', () => {
  const CALLS = ['1', '2'].map((id) => ({ id, tool: 'write', input: { id } }))
  const houseWith = async (given: Partial<Tool>, wrap: (store: Store) => Store) => {
    const calls: unknown[] = []
    const call: Tool['call'] = (input, { signal }) => {
      calls.push([input, signal])
      return new Promise(() => {})
    }
    const write: Tool = { ...LOOK, name: 'write', ...given, call }
    const house = await openHouse({ agents: { cfo: { tools: ['write'] } }, tools: { write }, wrap })
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(...CALLS)
    return { house, calls }
  }

  test('a defect at one of them ends the other, and nothing of their run acts beside its successor', async () => {
    const breaking = (store: Store): Store => ({
      ...store,
      commit: async (commit) => {
        const [taken] = commit.steps ?? []
        if (taken?.step.kind === 'begin' && taken.step.call === '2') throw new TypeError('bug')
        return store.commit(commit)
      },
    })
    const { house, calls } = await houseWith({ idempotent: false }, breaking)
    expect(calls).toEqual([])
    await house.world.advance(1_000)
    const { steps } = await house.store.begin('a/c1', 'turn-1', [])
    expect(steps.filter((step) => step.kind === 'result').map(({ call }) => call)).toEqual(['1'])
  })

  test('S39: an approval that the disk did not take lets nothing happen, although the tool was about to begin', async () => {
    const disk = { full: false }
    const refusing = (store: Store): Store => ({
      ...store,
      commit: async (commit) => {
        const word = commit.steps?.some(({ step }) => step.kind === 'decision')
        if (word !== true || !disk.full) return store.commit(commit)
        // It fails a moment later: the begin of the tool is on its way by then.
        await store.counts()
        throw FULL
      },
    })
    const { house, calls } = await houseWith({ changes: true, idempotent: true }, refusing)
    await house.says('a', '/approve 1-1')
    disk.full = true
    await house.says('a', '/approve 1-2')
    disk.full = false
    await house.world.advance(1_000)
    expect(calls).toEqual([])
    await house.says('a', '/approve')
    expect(calls).toHaveLength(2)
  })
})

test('S45: what a run was steered with is not given up with its turn', async () => {
  const options: HouseOptions = { agents: { cfo: { tools: ['look'] } }, tools: { look: LOOK } }
  const house = await openHouse(options)
  await house.says('a', 'breaks')
  await house.says('a', '/steer and this')
  await house.thoughts[0]?.asks({ id: '1', tool: 'look', input: {} })
  for (let tries = 1; tries <= 3; tries += 1) {
    await house.thoughts.at(-1)?.fail(new TypeError('bug'))
    await house.world.advance(10_000)
  }
  expect(house.thoughts.at(-1)?.request.messages.map(({ text }) => text)).toEqual(['and this'])
  await house.thoughts.at(-1)?.answer('yes')
  expect((await house.store.counts()).messages).toEqual({ waiting: 0, answered: 1, discarded: 0, dead: 1 })
})

test('S42: a turn that was at work is given to no other run as steering', () => {
  const inbox = offered([{ text: 'a turn of its own', resumes: true }, { text: 'said meanwhile' }])
  const { given, inbox: left } = takeSteering(inbox)
  expect(given.map(({ text }) => text)).toEqual(['said meanwhile'])
  expect(left.map(({ text }) => text)).toEqual(['a turn of its own'])
})

function offered(messages: readonly Partial<AcceptedMessage>[]): Inbox {
  return messages.flatMap((given, index) => itemOf(acceptedMessage('', { ...given, seq: index + 1 }), 'steer') ?? [])
}

test('S20 S34: /stop while a commit waits for the disk keeps what people had seen of the answer', async () => {
  const { disk, house } = await houseWithDisk()
  await house.says('a', 'count')
  house.thoughts[0]?.says('one, two')
  disk.full = true
  await house.thoughts[0]?.answer('one, two, three')
  disk.full = false
  await house.says('a', '/stop')
  expect((await house.store.transcript('a/c1')).map(({ role, text }) => [role, text])).toEqual([
    ['user', 'count'],
    ['partial', 'one, two'],
  ])
})

test('S20 S34: what people had seen of an answer outlives a /stop that the disk did not take', async () => {
  const { disk, house } = await houseWithDisk()
  await house.says('a', 'count')
  house.thoughts[0]?.says('one, two')
  disk.full = true
  await house.says('a', '/stop')
  disk.full = false
  await house.world.advance(1_000)
  expect((await house.store.transcript('a/c1')).map(({ role, text }) => [role, text])).toEqual([
    ['user', 'count'],
    ['partial', 'one, two'],
  ])
})

test('S20: what was seen of a cancelled /compact is no part of the next turn', async () => {
  let begins = 0
  const wrap = (store: Store): Store => ({
    ...store,
    begin: async (...input) => {
      begins += 1
      return begins === 3 ? new Promise(() => {}) : store.begin(...input)
    },
  })
  const house = await openHouse({ wrap })
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('first')
  await house.says('a', '/compact')
  house.thoughts[1]?.says('a summary')
  await house.says('a', '/stop')
  await house.says('a', 'two')
  await house.says('a', '/stop')
  expect((await house.store.transcript('a/c1')).slice(2).map(({ role, text }) => [role, text])).toEqual([
    ['user', 'two'],
    ['partial', ''],
  ])
})

test('S38: a run that is ended while its tools are being opened asks its model for nothing', async () => {
  let open = (): void => {}
  const opening = new Promise<void>((resolve) => (open = resolve))
  const house = await openHouse({ agents: { cfo: { tools: ['look'] } }, tools: { look: LOOK }, opening })
  await house.says('a', 'one')
  await house.says('a', '/stop')
  open()
  await settled()
  expect(house.thoughts).toEqual([])
  expect(house.tools.closed).toEqual(['a/c1'])
})

test('S1: a partition that fails ends its sessions, and they come back from the store without a second run', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  const channel = house.gateway.getSnapshot().children['channel:a']?.getSnapshot() as {
    children: Record<string, AnyActorRef>
  } // A channel's.
  const partition = channel.children['partition:0']
  // A defect of the partition's own: it is told something that nobody may say.
  partition?.send({ type: 'message.route', routed: 2, message: null })
  await settled()
  expect(house.thoughts[0]?.closed()).toBe(true)
  expect(house.thoughts).toHaveLength(2)
  await house.thoughts[1]?.answer('once')
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['once'])
  expect(house.census()).toMatchObject({ idle: 1, live: 1 })
})

test('D2 S46: a channel that leaves the file while the disk does not answer finishes the send in progress', async () => {
  const disk = { fails: false }
  const wrap = (store: Store): Store => ({
    ...store,
    owed: async (channel) => {
      if (disk.fails) throw FULL
      return store.owed(channel)
    },
  })
  const house = await openHouse({ channels: { a: {}, b: {} }, wrap })
  const sending = held<void>()
  house.platform('b').nextSend.push(() => sending.promise)
  await house.says('b', 'one')
  await house.thoughts[0]?.answer('first')
  disk.fails = true
  await house.redefine({ channels: { a: {} } })
  disk.fails = false
  sending.resolve()
  await settled()
  await house.world.advance(100)
  expect(house.platform('b').sent.map((sent) => sent.text)).toEqual(['first'])
  expect((await house.store.counts()).outbox).toBe(0)
})

test('S42: a turn of several messages goes on with all of them, although a start reads hundreds of others between them', async () => {
  const options: HouseOptions = {
    channels: { a: { busyMode: 'collect' } },
    gateway: { concurrentRuns: 1 },
    agents: { cfo: { tools: ['look'] } },
    tools: { look: LOOK },
  }
  const house = await openHouse(options)
  await house.says('a', 'before them', { conversation: 'c0' })
  await house.says('a', 'one')
  const others = Array.from({ length: RECOVERY_BATCH }, (_, index) => `o${index}`)
  await Promise.all(
    others.map((id) => {
      const { seq: _seq, ...message } = acceptedMessage(id, { platformMessageId: id, conversation: id })
      return house.store.accept({ ...message, sessionKey: `a/${id}`, journaled: false })
    }),
  )
  await house.says('a', 'two')
  await house.thoughts[0]?.answer('done')
  await house.thoughts[1]?.asks({ id: '1', tool: 'look', input: {} })
  house.kill()
  const wrap = (store: Store): Store => ({
    ...store,
    unfinished: async (channel, after, limit) => {
      if (after > 0) await settled()
      return store.unfinished(channel, after, limit)
    },
  })
  const next = await openHouse({ ...options, store: house.store, world: house.world, wrap })
  expect(next.thoughts[0]?.request.messages.map(({ text }) => text)).toEqual(['one', 'two'])
})

test('S4: a dead letter that is tried again does not end a second time what its run had been given and was answered since', async () => {
  const options: HouseOptions = { agents: { cfo: { tools: ['look'] } }, tools: { look: LOOK } }
  let house = await openHouse(options)
  await house.says('a', 'breaks')
  await house.says('a', '/steer and this')
  await house.thoughts[0]?.asks({ id: '1', tool: 'look', input: {} })
  for (let start = 0; start < 3; start += 1) {
    house.kill()
    house = await openHouse({ ...options, store: house.store, world: house.world })
  }
  await house.thoughts.at(-1)?.answer('by itself')
  const [letter] = await house.store.deadLetters(1)
  const retried = await house.store.retryDeadLetter(letter?.id ?? 0)
  if (retried?.kind !== 'message') throw new Error('the message that broke its process is a dead letter')
  house.gateway.send({ type: 'message.accepted', message: { ...retried.message, again: 'retry' } })
  await settled()
  await house.thoughts.at(-1)?.answer('after all')
  const said = (await house.store.history('a/c1')).filter(({ role }) => role === 'user').map(({ text }) => text)
  expect(said).toEqual(['and this', 'breaks'])
  expect((await house.store.counts()).messages).toMatchObject({ answered: 2, waiting: 0 })
})

test('M4: a dead letter whose turn ended with the others of it begins another turn, which a crash goes on with', async () => {
  const options: HouseOptions = {
    agents: { cfo: { tools: ['look'] } },
    channels: { a: { busyMode: 'collect' } },
    tools: { look: LOOK },
  }
  let house = await openHouse(options)
  const startAgain = async (): Promise<void> => {
    house.kill()
    house = await openHouse({ ...options, store: house.store, world: house.world })
    await house.world.advance(GATHER_QUIET_MS)
  }
  // A part of an album: its turn is taken only after a quiet time, so that all that waits is collected into it.
  await house.says('a', 'breaks', { album: 'photos' })
  await house.world.advance(GATHER_QUIET_MS)
  await house.thoughts[0]?.asks({ id: 'of the first turn', tool: 'look', input: {} })
  for (let start = 0; start < 2; start += 1) await startAgain()
  await house.says('a', 'and this')
  await startAgain()
  await house.thoughts.at(-1)?.answer('without it')
  const [letter] = await house.store.deadLetters(1)
  const retried = await house.store.retryDeadLetter(letter?.id ?? 0)
  if (retried?.kind !== 'message') throw new Error('the message that broke its process is a dead letter')
  house.gateway.send({ type: 'message.accepted', message: { ...retried.message, again: 'retry' } })
  await house.world.advance(GATHER_QUIET_MS)
  expect(house.thoughts.at(-1)?.request.steps).toEqual([])
  await house.thoughts.at(-1)?.asks({ id: 'of the second turn', tool: 'look', input: {} })
  await startAgain()
  await house.thoughts.at(-1)?.answer('after all')
  const history = await house.store.history('a/c1')
  expect(history.map(({ turn, text }) => [turn, text])).toEqual([
    ['turn-1', 'and this'],
    ['turn-1', 'without it'],
    ['turn-1.1', 'breaks'],
    ['turn-1.1', 'after all'],
  ])
  expect(callsIn(history)).toEqual([['of the first turn'], ['of the second turn']])
})
