// Contract: what every adapter must do, whatever its platform (src/channels/adapter.ts). Each check gets a fresh harness.
//
// For a new platform write a harness and call `describeAdapter('name', openHarness)` (describe-adapter.ts) in
// test/channels/NAME.test.ts. Add a test that gives `brokenAdapter` to `failingChecks`: it shows that the suite would notice.
// Everything that only this platform knows (groups, markup, its error codes) is tested beside it and not here. What an adapter
// declares of itself (`shownTo`) is respected, and held against what it does.
// It knows no test runner: it is also in `troupe/testing`, for adapters of other people.

import assert from 'node:assert/strict'
import { FailureError } from '../../machines/failure.ts'
import { UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import type { Inbound } from '../../machines/messages.ts'
import type { Adapter, Door, Identity, Outgoing } from '../../src/channels/adapter.ts'

/** A platform with one person in one private conversation, and as many adapters on it as a check wants. */
export interface AdapterHarness {
  /** The private conversation, as the adapter encodes it. */
  readonly conversation: string
  /** `connected`: what is sent needs a connection, so one is made first. Left out: it goes out either way, as over HTTP. */
  readonly sends?: 'connected'
  /** A new adapter with the same definition on the same platform; the suite ends its runs. */
  build(): Adapter
  /**
   * The person writes. `id` names the message: the same id is the same message, offered once more. Resolves with `held` when the
   * platform keeps it until an adapter takes it, and with `refused` when its writer was told to try again.
   */
  write(text: string, id: string): Promise<'held' | 'refused'>
  /** What the adapter's sends show in the conversation, oldest first, as people read it; with `shownTo: 'askers'` to the person. */
  shown(): Promise<readonly string[]>
  close(): Promise<void>
}

export type OpenHarness = () => Promise<AdapterHarness>

/**
 * The checks by name, for any test runner: each opens a harness of its own, closes it, and rejects with an AssertionError that says
 * what was seen. None takes longer than a few seconds: an answer that never comes fails its check after three.
 */
export function adapterChecks(open: OpenHarness): Readonly<Record<string, () => Promise<void>>> {
  return Object.fromEntries(Object.keys(CHECKS).map((check) => [check, () => runCheck(check, open)]))
}

/** The names of the checks that fail. */
export async function failingChecks(open: OpenHarness): Promise<string[]> {
  const failing: string[] = []
  for (const [name, check] of Object.entries(adapterChecks(open))) await check().catch(() => failing.push(name))
  return failing
}

/** A subject that the suite must catch: it takes messages that were not kept, and claims parts that it never sent. */
export function brokenAdapter(adapter: Adapter): Adapter {
  // Each by its name: an adapter may be of a class, whose members are not its own.
  return {
    ...(adapter.shownTo === undefined ? {} : { shownTo: adapter.shownTo }),
    show: (conversation, progress) => adapter.show(conversation, progress),
    probe: (signal) => adapter.probe(signal),
    run: (door, signal) => {
      const receive: Door['receive'] = (message) =>
        door.receive(message).catch(() => ({ accepted: true, duplicate: true, seq: 0 }))
      return adapter.run({ ...door, receive }, signal)
    },
    send: async () => ({ receipt: '1', last: true }),
    fetch: async (_, { take }) => take(Buffer.from('of somebody else')),
  }
}

async function runCheck(name: string, open: OpenHarness): Promise<void> {
  const harness = await open()
  try {
    await CHECKS[name]?.(harness)
  } finally {
    await harness.close()
  }
}

/** An answer that never comes must fail a check by name, not hang the suite. */
const CHECK_MS_MAX = 3_000

/** Nothing is waited for on the way to it: a run that could not hand a message over breaks at once. */
const BREAK_MS_MAX = 1_000

const CHECKS: Readonly<Record<string, (harness: AdapterHarness) => Promise<void>>> = {
  'run tells who it is once, and resolves when it is ended': async (harness) => {
    const running = connect(harness.build())
    await within(running.live)
    await within(running.stop())
    assert.equal(running.identities.length, 1)
    assert.notEqual(running.identities[0]?.name, '')
  },

  'run ended before it began resolves, and takes nothing': async (harness) => {
    const running = connect(harness.build())
    await within(running.stop())
    assert.deepEqual(running.received, [])
  },

  'probe tells the same identity as run, without taking a message': async (harness) => {
    const adapter = harness.build()
    const identity = await within(adapter.probe(new AbortController().signal))
    const running = connect(adapter)
    await within(running.live)
    await within(running.stop())
    assert.deepEqual(running.identities, [identity])
    assert.deepEqual(running.received, [])
  },

  'a file that the platform does not have is a failure in words, and nothing is taken': async (harness) => {
    let taken = 0
    const fetching = { bytesMax: 1_000, withinMs: CHECK_MS_MAX, signal: new AbortController().signal }
    for (const reference of [null, 'nobody-sent-this']) {
      const attachment = { ...UNKNOWN_ATTACHMENT, kind: 'document' as const, reference }
      const fetched = harness.build().fetch(attachment, { ...fetching, take: async () => void (taken += 1) })
      const thrown = await within(fetched.catch((error: unknown) => error))
      assert.ok(thrown instanceof FailureError)
    }
    assert.equal(taken, 0)
  },

  'a message arrives as it was written, in its conversation, addressed to the bot': async (harness) => {
    const running = connect(harness.build())
    await within(running.live)
    await within(harness.write('hello <there> & **you**', 'm1'))
    await within(running.count(1))
    await within(running.stop())
    assert.partialDeepStrictEqual(running.received[0], {
      conversation: harness.conversation,
      text: 'hello <there> & **you**',
      kind: 'dm',
      addressed: true,
      album: null,
      attachments: [],
    })
    assert.deepEqual(JSON.parse(JSON.stringify(running.received[0])), running.received[0])
  },

  'S29 the same message offered again has the same platform message id, another one a different id': async (
    harness,
  ) => {
    const running = connect(harness.build())
    await within(running.live)
    for (const id of ['m1', 'm1', 'm2']) await within(harness.write('hello', id))
    await within(running.count(3))
    await within(running.stop())
    const [first, again, other] = running.received.map((message) => message.platformMessageId)
    assert.equal(again, first)
    assert.notEqual(other, first)
  },

  'S46 a message that could not be kept is not lost: it is offered again, or its writer is told': async (harness) => {
    const broken = connect(harness.build(), () => Promise.reject(diskFull()))
    await within(broken.live)
    const written = await within(harness.write('hello', 'm1'))
    const ended = broken.ended.catch((error: unknown) => assert.ok(error instanceof FailureError))
    if (written === 'held') await within(ended, BREAK_MS_MAX)
    await within(broken.stop().catch(() => {}))
    const running = connect(harness.build())
    await within(running.live)
    if (written === 'refused') await within(harness.write('hello', 'm1'))
    await within(running.count(1))
    await within(running.stop())
    assert.deepEqual(
      running.received.map((message) => message.text),
      ['hello'],
    )
  },

  'C2 nothing is taken after run has ended, and the next run takes messages again': async (harness) => {
    const adapter = harness.build()
    for (const id of ['m1', 'm2', 'm3']) {
      const running = connect(adapter)
      await within(running.live)
      await within(harness.write(id, id))
      await within(running.count(1))
      await within(running.stop())
      const taken = running.received.length
      await new Promise((resolve) => setTimeout(resolve, 20))
      assert.equal(running.received.length, taken)
      assert.ok(running.received.some((message) => message.text === id))
    }
  },

  'run waits for what it handed over before it settles': async (harness) => {
    const disk = Promise.withResolvers<void>()
    const running = connect(harness.build(), () => disk.promise)
    await within(running.live)
    const written = harness.write('hello', 'm1')
    await within(running.count(1))
    let settled = false
    const stopped = running.stop().then(() => {
      settled = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(settled, false)
    disk.resolve()
    await within(Promise.all([stopped, written]))
  },

  'A2 two adapters in one process share nothing: one ends, the other goes on sending': async (harness) => {
    const [one, two] = [harness.build(), harness.build()]
    const first = connect(one)
    await within(first.live)
    await within(first.stop())
    const speaking = await speak(harness, two)
    assert.equal((await within(two.send(await speaking.reply('still here'), 0, never))).last, true)
    assert.deepEqual(await harness.shown(), ['still here'])
    await speaking.stop()
  },

  'a sent reply is shown, and its receipt is new each time': async (harness) => {
    const adapter = harness.build()
    const running = connect(adapter)
    await within(running.live)
    const speaking = await speak(harness, adapter, running)
    const one = await within(adapter.send(await speaking.reply('one', 1), 0, never))
    const two = await within(adapter.send(await speaking.reply('two', 2), 0, never))
    await within(running.stop())
    assert.deepEqual([one.last, two.last], [true, true])
    assert.notEqual(one.receipt, two.receipt)
    assert.deepEqual(await harness.shown(), ['one', 'two'])
  },

  'a reply that nobody asked for is shown all the same, or taken and shown to nobody: as the adapter says': async (
    harness,
  ) => {
    const adapter = harness.build()
    const running = connect(adapter)
    await within(running.live)
    if (adapter.shownTo === 'askers') await asked(harness, running, 'another question')
    const { last } = await within(adapter.send(outgoing(harness, 'by the way'), 0, never))
    await within(running.stop())
    assert.equal(last, true)
    assert.deepEqual(await harness.shown(), adapter.shownTo === 'askers' ? [] : ['by the way'])
  },

  'S50 a long reply loses nothing, in however many parts': async (harness) => {
    const words = Array.from({ length: 3_000 }, (_, index) => `word${index}`)
    const adapter = harness.build()
    const speaking = await speak(harness, adapter)
    const reply = await speaking.reply(words.join(' '))
    let part = 0
    for (let last = false; !last; part += 1) {
      assert.ok(part < 100, 'a reply has an end')
      last = (await within(adapter.send(reply, part, never))).last
    }
    await speaking.stop()
    const shown = await harness.shown()
    assert.equal(shown.length, part)
    assert.deepEqual(shown.join(' ').split(/\s+/), words)
  },

  'S50 broken markdown loses nothing': async (harness) => {
    const adapter = harness.build()
    const text = '**half *open `code [link](http:// <b> & </i>\n```\nlast'
    const speaking = await speak(harness, adapter)
    await within(adapter.send(await speaking.reply(text), 0, never))
    await speaking.stop()
    const shown = (await harness.shown()).join('')
    for (const word of text.match(/\w+/g) ?? []) assert.ok(shown.includes(word), `${word} is lost`)
  },

  'show returns at once and never throws: before, during and after a run, in any order': async (harness) => {
    const adapter = harness.build()
    const showAll = () => {
      for (const conversation of [harness.conversation, 'no such conversation', '']) {
        adapter.show(conversation, { kind: 'delta', session: 's', turn: 't', text: 'x' })
        for (const state of ['running', 'pending', 'idle'] as const) {
          adapter.show(conversation, { kind: 'state', session: 's', state })
          adapter.show(conversation, { kind: 'delta', session: 's', turn: 't', text: 'x' })
        }
      }
    }
    showAll()
    const running = connect(adapter)
    await within(running.live)
    showAll()
    const speaking = await speak(harness, adapter, running)
    await within(adapter.send(await speaking.reply('the answer'), 0, never))
    await within(running.stop())
    showAll()
    assert.deepEqual(await harness.shown(), ['the answer'])
  },
}

// --- a run under observation ------------------------------------------------------------------------------------------

interface Running {
  readonly identities: readonly Identity[]
  readonly received: readonly Inbound[]
  readonly live: Promise<void>
  readonly ended: Promise<void>
  count(messages: number): Promise<void>
  stop(): Promise<void>
}

const never = new AbortController().signal

function connect(adapter: Adapter, keep: () => Promise<void> = async () => {}): Running {
  const controller = new AbortController()
  const live = Promise.withResolvers<void>()
  const identities: Identity[] = []
  const received: Inbound[] = []
  const waiting: { readonly messages: number; readonly resolve: () => void }[] = []
  const door: Door = {
    live(identity) {
      identities.push(identity)
      live.resolve()
    },
    async receive(message) {
      received.push(message)
      for (const { messages, resolve } of waiting) if (received.length >= messages) resolve()
      await keep()
      return { accepted: true, duplicate: false, seq: received.length }
    },
  }
  const ended = adapter.run(door, controller.signal)
  ended.catch((error: unknown) => live.reject(error))
  return {
    identities,
    received,
    live: live.promise,
    ended,
    count(messages) {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (received.length >= messages) resolve()
      else waiting.push({ messages, resolve })
      return promise
    },
    stop() {
      controller.abort()
      return ended
    },
  }
}

function outgoing(harness: AdapterHarness, text: string, outboxId = 1): Outgoing {
  return { outboxId, conversation: harness.conversation, text, replyTo: null, uncertain: false }
}

interface Speaking {
  /** A reply that is shown once it is sent. */
  reply(text: string, outboxId?: number): Promise<Outgoing>
  /** Ends a run that was begun for this alone. */
  stop(): Promise<void>
}

/** Most adapters show whatever is sent, connected or not; where askers alone are shown something, the person asks for each reply. */
async function speak(harness: AdapterHarness, adapter: Adapter, connected?: Running): Promise<Speaking> {
  const asks = adapter.shownTo === 'askers'
  if (!asks && harness.sends !== 'connected')
    return { reply: async (text, outboxId) => outgoing(harness, text, outboxId), stop: async () => {} }
  const running = connected ?? connect(adapter)
  await within(running.live)
  return {
    async reply(text, outboxId) {
      if (!asks) return outgoing(harness, text, outboxId)
      const replyTo = await asked(harness, running, `what about ${text.slice(0, 8)}?`)
      return { ...outgoing(harness, text, outboxId), replyTo }
    },
    stop: async () => (connected === undefined ? within(running.stop()) : undefined),
  }
}

/** The id of a message of the person, who waits for its answer. */
async function asked(harness: AdapterHarness, running: Running, text: string): Promise<string> {
  const before = running.received.length
  await within(harness.write(text, `question ${before}`))
  await within(running.count(before + 1))
  return running.received[before]?.platformMessageId ?? ''
}

function diskFull(): FailureError {
  return new FailureError({ kind: 'retryable', reason: 'storage', message: 'the disk is full' })
}

async function within<T>(promise: Promise<T>, msMax = CHECK_MS_MAX): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`nothing happened for ${msMax} ms`)), msMax)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
