// The web adapter: connection, posts, sends, and what its subscribers are shown beside the journal.

import { afterEach, expect, test } from 'vitest'
import type { Inbound } from '../../machines/messages.ts'
import type { Reception } from '../../src/channels/adapter.ts'
import { createWebAdapter, type WebAdapter } from '../../src/channels/web.ts'
import type { WebEvent, WebPort } from '../../src/http/port.ts'
import { ChannelDouble, MemoryJournal, manualWorld, silentLog, webDefinition } from '../http/double.ts'

const open: AbortController[] = []
afterEach(() => {
  for (const aborter of open.splice(0)) aborter.abort()
})

function watch(adapter: WebAdapter, afterId = 0, conversation = 'c') {
  // The port's contract, met without an import between folders of src/.
  const port: WebPort = adapter
  const events: WebEvent[] = []
  const aborter = new AbortController()
  open.push(aborter)
  const ended = port.subscribe({ conversation, afterId }, (event) => void events.push(event), aborter.signal)
  return { events, ended, leave: () => aborter.abort() }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const post = (text: string, messageId: string | null = null) => ({ conversation: 'c', user: 'u1', text, messageId })

test('run is live at once, ends with its signal, and can be run again', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  expect(channel.isLive).toBe(true)
  await channel.disconnect()
  expect(await channel.adapter.post(post('x'))).toEqual({ accepted: false, reason: 'paused' })
  channel.connect()
  expect(await channel.adapter.post(post('x'))).toEqual({ accepted: true, duplicate: false })
})

test('C2: a second connection at the same time is refused', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  await expect(channel.adapter.run(channel, new AbortController().signal)).rejects.toThrow('C2')
})

test('a post becomes one inbound message with the client’s id, or a new one', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  await channel.adapter.post(post('hello', 'm-1'))
  await channel.adapter.post(post('again'))
  expect(channel.received[0]).toEqual({
    channel: 'a',
    conversation: 'c',
    platformMessageId: 'm-1',
    kind: 'dm',
    sender: { id: 'u1', name: null, handle: null },
    text: 'hello',
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  })
  expect(channel.received[1]?.platformMessageId).toMatch(/^id-/)
})

test('S29 the same message id twice is one message', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const { events } = watch(channel.adapter)
  expect(await channel.adapter.post(post('hello', 'm-1'))).toEqual({ accepted: true, duplicate: false })
  expect(await channel.adapter.post(post('hello', 'm-1'))).toEqual({ accepted: true, duplicate: true })
  await settled()
  expect(events).toHaveLength(1)
})

test('S29 two people with the same message id: each has it for themself, and nobody’s message is taken for another’s', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const senders = new Map<string, string>()
  const door = {
    live: () => {},
    async receive(message: Inbound): Promise<Reception> {
      const { platformMessageId: id, sender } = message
      const known = senders.get(id)
      if (known !== undefined && known !== sender.id) return { accepted: false, reason: 'taken' }
      senders.set(id, sender.id)
      return { accepted: true, duplicate: known !== undefined, seq: senders.size }
    },
  }
  await channel.disconnect()
  const running = channel.adapter.run(door, (open[0] = new AbortController()).signal)
  const says = (user: string) => channel.adapter.post({ ...post('hello', 'm-1'), user })
  for (const [user, duplicate] of [
    ['u1', false],
    ['u2', false],
    ['u1', true],
    ['u2', true],
  ] as const)
    expect(await says(user)).toEqual({ accepted: true, duplicate })
  open.splice(0).forEach((aborter) => aborter.abort())
  await running
})

test.each([99, 2])(
  'W1: whoever comes back with an id that this journal never gave (%d) is shown all of it',
  async (id) => {
    const channel = new ChannelDouble('a', manualWorld())
    await channel.adapter.post(post('one'))
    await channel.adapter.post({ ...post('elsewhere'), conversation: 'd' })
    const { events } = watch(channel.adapter, id)
    await channel.adapter.post(post('two'))
    await settled()
    expect(events.map((event) => event.kind === 'message' && event.text)).toEqual(['one', 'two'])
  },
)

test('a refused message is shown to nobody, and the reason is passed on', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const { events } = watch(channel.adapter)
  channel.refusal = 'stranger'
  expect(await channel.adapter.post(post('x'))).toEqual({ accepted: false, reason: 'stranger' })
  await settled()
  expect(events).toEqual([])
})

test('W3: run does not end before what was handed over is on disk or turned away', async () => {
  const adapter = createWebAdapter({
    definition: webDefinition('a'),
    secret: () => '',
    journal: new MemoryJournal(),
    world: manualWorld(),
    log: silentLog,
  })
  let written: (reception: Reception) => void = () => {}
  const stop = new AbortController()
  let ended = false
  const door = { live() {}, receive: () => new Promise<Reception>((resolve) => (written = resolve)) }
  const running = adapter.run(door, stop.signal).then(() => (ended = true))
  const posting = adapter.post(post('x'))
  stop.abort()
  await settled()
  expect(ended).toBe(false)
  written({ accepted: true, duplicate: false, seq: 1 })
  expect(await posting).toEqual({ accepted: true, duplicate: false })
  await running
})

test('S49 a send that is repeated after an unknown end leaves one entry and returns its receipt', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const outgoing = { outboxId: 9, conversation: 'c', text: 'once', replyTo: null, uncertain: false }
  const { signal } = new AbortController()
  const first = await channel.adapter.send(outgoing, 0, signal)
  const second = await channel.adapter.send({ ...outgoing, uncertain: true }, 0, signal)
  expect(first).toEqual({ receipt: '1', last: true })
  expect(second).toEqual(first)
  expect(channel.journal.entries).toHaveLength(1)
})

test('a text of any length is one part', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const { events } = watch(channel.adapter)
  await channel.reply('c', 'x'.repeat(500_000))
  await settled()
  expect(events).toEqual([{ kind: 'message', id: 1, role: 'assistant', text: 'x'.repeat(500_000) }])
})

test('S14 a subscriber sees states and deltas in the order in which they happened, between the messages', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const { events } = watch(channel.adapter)
  await channel.adapter.post(post('hi'))
  channel.state('c', 'pending')
  channel.state('c', 'running')
  channel.delta('c', 't1', 'he')
  channel.delta('c', 't1', 'llo')
  await settled()
  channel.state('c', 'idle')
  await channel.reply('c', 'hello')
  await settled()
  expect(events.map(shape)).toEqual(['user hi', 'pending', 'running', 't1 hello', 'idle', 'assistant hello'])
})

test('a newcomer is given the history, the state, and what was streamed of the turn so far', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  await channel.adapter.post(post('hi'))
  channel.state('c', 'running')
  channel.delta('c', 't1', 'one ')
  channel.delta('c', 't1', 'two ')
  const { events } = watch(channel.adapter)
  await settled()
  channel.delta('c', 't1', 'three')
  await settled()
  expect(events.map(shape)).toEqual(['user hi', 'running', 't1 one two ', 't1 three'])
})

test('a newcomer after the turn is given no text of it, and the state idle', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  channel.state('c', 'running')
  channel.delta('c', 't1', 'one')
  channel.state('c', 'idle')
  const { events } = watch(channel.adapter)
  await settled()
  expect(events.map(shape)).toEqual(['idle'])
})

test('W2: a reader that takes nothing has a bounded backlog, still gets every message, and no text of a turn that is over', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const taken: string[] = []
  let release = () => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  const aborter = new AbortController()
  open.push(aborter)
  await channel.adapter.post(post('first'))
  void channel.adapter.subscribe(
    { conversation: 'c', afterId: 0 },
    (event) => gate.then(() => void taken.push(shape(event))),
    aborter.signal,
  )
  await settled()
  for (let turn = 0; turn < 500; turn++) {
    channel.state('c', 'running')
    channel.delta('c', `t${turn}`, 'x'.repeat(1_000))
    channel.state('c', 'idle')
    await channel.reply('c', `reply ${turn}`)
  }
  release()
  for (let i = 0; i < 20; i++) await settled()
  expect(taken.filter((event) => event.startsWith('assistant'))).toHaveLength(500)
  expect(taken.filter((event) => event.startsWith('t'))).toEqual([])
  expect(taken.filter((event) => event === 'idle' || event === 'running').length).toBeLessThanOrEqual(64)
  expect(taken.at(-1)).toBe('idle')
})

test('W2: a turn longer than the preview stops streaming and is never shown with a hole', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const { events } = watch(channel.adapter)
  channel.state('c', 'running')
  for (let i = 0; i < 70; i++) channel.delta('c', 't1', String(i % 10).repeat(1_000))
  channel.delta('c', 't1', 'tail')
  await settled()
  const whole = Array.from({ length: 70 }, (_, i) => String(i % 10).repeat(1_000)).join('')
  const shown = events.map((event) => (event.kind === 'delta' ? event.text : '')).join('')
  expect(shown.length).toBeGreaterThan(60_000)
  expect(whole.startsWith(shown)).toBe(true)
})

test('conversations do not see each other', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  const { events } = watch(channel.adapter, 0, 'other')
  await channel.adapter.post(post('secret'))
  channel.state('c', 'running')
  await settled()
  expect(events).toEqual([])
})

test('S44 a reply that is sent after the connection ended still reaches its readers', async () => {
  const world = manualWorld()
  const channel = new ChannelDouble('a', world)
  const { events, ended } = watch(channel.adapter)
  await settled()
  await channel.disconnect()
  await channel.reply('c', 'last words')
  // Another adapter of the channel may have written this one.
  channel.journal.write('c', 'assistant', 'from elsewhere', '99/0')
  world.advance(500)
  await settled()
  expect(events.map(shape)).toEqual(['assistant last words', 'assistant from elsewhere'])
  world.advance(30_000)
  await ended
  expect(world.timers).toBe(0)
})

test('a reader that leaves leaves nothing behind', async () => {
  const world = manualWorld()
  const channel = new ChannelDouble('a', world)
  await channel.disconnect()
  const { ended, leave } = watch(channel.adapter)
  await settled()
  leave()
  await ended
  expect(world.timers).toBe(0)
  const reads = channel.journal.reads
  await channel.reply('c', 'x')
  await settled()
  expect(channel.journal.reads).toBe(reads)
})

test('a journal that cannot be read ends the subscription with its failure', async () => {
  const channel = new ChannelDouble('a', manualWorld())
  channel.journal.after = () => Promise.reject(new Error('the disk is gone'))
  await expect(watch(channel.adapter).ended).rejects.toThrow('the disk is gone')
})

function shape(event: WebEvent): string {
  if (event.kind === 'message') return `${event.role} ${event.text}`
  return event.kind === 'delta' ? `${event.turn} ${event.text}` : event.state
}
