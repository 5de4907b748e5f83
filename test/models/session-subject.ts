// The real session actor, with its real run, on the real store: the disk's line, the model, the slot and the clock are in the test's
// hand. What stands above it is the test: it numbers the messages as a channel does, and delivers at once what is owed.

import { expect } from 'vitest'
import { type AnyActorRef, createActor, setup, type SnapshotFrom } from 'xstate'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { AcceptedMessage, Inbound, Progress, ToSession } from '../../machines/messages.ts'
import { sessionActor } from '../../src/actors/session.ts'
import type { Agent, ThinkRequest, Thought } from '../../src/agents/agent.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { Disk } from '../sim/disk.ts'
import { testDefinition } from '../support/house.ts'
import { ATTACHED, acceptedMessage } from '../support/messages.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import { toolParts } from '../support/tools.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'
import type { sessionModel } from './session-model.ts'
import { lastAsked, type Seen, type SessionEvent, visible, YES } from './session-words.ts'

type Model = ReturnType<typeof sessionModel>
export type SessionLogic = ReturnType<typeof sessionActor>

export interface SessionOptions {
  readonly mode: 'queue' | 'interrupt'
  readonly taken?: Taken
  readonly broken?: (real: SessionLogic) => SessionLogic
  readonly brokenStore?: (real: Store) => Store
}

/** Each subject is a conversation of its own in one store: to open a store costs as much as to play a path. */
const store = openMemoryStore({ world: testWorld() })
let subjects = 0

export async function sessionSubject(options: SessionOptions): Promise<Subject<Model>> {
  const { mode, taken, broken = (real) => real, brokenStore = (real) => real } = options
  const world = testWorld()
  subjects += 1
  const conversation = `c${subjects}`
  const key = `a/${conversation}`
  const disk = new Disk(store, world.nowMs, () => {})
  disk.turn('slow')
  const thoughts: HeldThought[] = []
  const shown: string[] = []
  const calls: HeldCall[] = []
  const parts = testParts({
    ...toolParts({ tools: { look: tool('look', calls), write: tool('write', calls) }, opened: [], closed: [] }),
    world,
    store: brokenStore(disk.handleOf({ alive: true })),
    definition: testDefinition({ agents: { cfo: { tools: ['look', 'write'] } } }),
    buildAgent: async () => thinking(thoughts),
    adapters: new Map([['a', { ...NO_PLATFORM, show: (_, progress) => noteState(progress, shown) }]]),
  })
  const above = standIn(broken(sessionActor(parts)), { key, conversation, mode })
  const root = createActor(above.gateway, { systemId: 'gateway', clock: world.clock })
  root.subscribe({ error: () => {} })
  taken?.watch(root)
  root.start()
  const session: AnyActorRef = root.system.get(`session:${key}`)
  const send = (event: ToSession): void => session.send(event)

  let messages = 0
  let counts = (await store.counts()).messages
  /** What the disk holds of it; nothing changes that but an operation that was let through. */
  let history: string[] = []
  let told: string[] = []

  async function says(text: string, given: Partial<Inbound & Pick<AcceptedMessage, 'command'>> = {}, twice = false) {
    subjects += 1
    const message = acceptedMessage(text, {
      conversation,
      sessionKey: key,
      platformMessageId: `m${subjects}`,
      ...given,
    })
    const { seq } = await store.accept({ ...message, journaled: false })
    for (let time = 0; time < (twice ? 2 : 1); time += 1)
      send({ type: 'message.routed', routed: above.route(), message: { ...message, seq, acceptedAtMs: world.nowMs() } })
    return seq
  }
  const plain = async (given: Partial<Inbound> = {}): Promise<void> => {
    messages += 1
    lastSeq = await says(`m${messages}`, given)
    seqs.set(`m${messages}`, lastSeq)
  }
  let lastSeq = 0
  const seqs = new Map<string, number>()
  async function lets(fails: boolean): Promise<void> {
    const [operation = ''] = disk.names
    if (fails) disk.turn('failAll')
    await disk.flush(1)
    disk.heal()
    await settled()
    if (fails || !operation.startsWith('commit')) return
    history = (await store.history(key)).map(({ role, text }) =>
      role === 'failure' ? kindOf(text) : `${role} ${text}`,
    )
    told = await heard()
  }
  const atWork = (): HeldCall | undefined => calls.find(({ signal }) => !signal.aborted)
  const living = (): HeldThought | undefined => thoughts.find(({ request }) => !request.signal.aborted)
  /** Ends what the model is at; what was ended already ends late, and that changes nothing. */
  function ends(how: (end: Held<Thought>) => void): void {
    const thought = living() ?? thoughts[0]
    if (thought === undefined) return
    thoughts.splice(thoughts.indexOf(thought), 1)
    how(thought.end)
  }
  const play: { [T in SessionEvent['type']]: (event: Extract<SessionEvent, { type: T }>) => unknown } = {
    message: () => plain(),
    photo: () => plain({ attachments: ATTACHED }),
    part: async () => {
      // In a gathering: the quiet and the longest wait for the rest of the album.
      if (world.pending().length === 2) await world.advance(900)
      messages += 1
      await says(`part${messages}`, { album: 'al', attachments: ATTACHED })
    },
    // The second time, as after a partition's recovery, it changes nothing.
    says: ({ command }) => says(`/${command}`, { command: { name: command, text: '' } }, true),
    leaves: ({ message }) => send({ type: 'message.withdrawn', seq: seqs.get(message) ?? 0 }),
    slot: () => {
      above.granted()
      send({ type: 'slot.granted' })
    },
    disk: () => lets(false),
    diskFails: () => lets(true),
    wears: async () => {
      for (let time = 0; time < 6; time += 1) await store.begin(key, 'worn', [lastSeq])
    },
    answers: () => ends((end) => end.resolve({ text: YES, calls: [], usage: null })),
    asks: ({ tool: name }) =>
      ends((end) => end.resolve({ text: '', calls: [{ id: '1', tool: name, input: {} }], usage: null })),
    toolEnds: () => {
      const call = atWork() ?? calls[0]
      if (call === undefined) return
      calls.splice(calls.indexOf(call), 1)
      call.end.resolve('ok')
    },
    decides: ({ word }) => {
      const [name = '', text = ''] = word.split(' ')
      return says(`/${word}`, { command: { name, text } })
    },
    steer: () => {
      messages += 1
      return says(`/steer steer${messages}`, { command: { name: 'steer', text: `steer${messages}` } })
    },
    fails: () => ends((end) => end.reject(new FailureError(AWAY))),
    breaks: () => ends((end) => end.reject(new Error('a defect'))),
    time: () => world.advance(world.pending()[0] ?? HOUR_MS),
    drain: () => send({ type: 'drain' }),
    halt: () => send({ type: 'halt' }),
    redefines: () => send({ type: 'redefined', settings: { ...SETTINGS, busyMode: 'interrupt', queueLimit: 2 } }),
  }

  /** What people were told since the last look, and how messages ended. */
  async function heard(): Promise<string[]> {
    const texts: string[] = []
    for (; above.owed(); ) {
      const item = await store.nextOwed('a', conversation)
      if (item === null) break
      texts.push(kindOf(item.text))
      await store.receipt(item.id, 'r', true)
    }
    const before = counts
    counts = (await store.counts()).messages
    const ended = (['answered', 'discarded', 'dead'] as const)
      .filter((outcome) => counts[outcome] !== before[outcome])
      .map((outcome) => `${outcome} +${counts[outcome] - before[outcome]}`)
    return [...texts, ...ended]
  }

  return {
    async play(event) {
      told = []
      await play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    compare(state) {
      const request = living()?.request
      const failed = session.getSnapshot().status === 'error'
      expect({
        failed,
        said: told,
        disk: disk.names,
        history,
        asked: request === undefined ? null : askedOf(request),
        tool: atWork()?.name ?? null,
        shown: shown.at(-1),
        slot: failed ? null : above.slot(),
        rested: above.rested() && !failed,
        pending: world.pending(),
      }).toEqual(expected(state))
    },
    async close() {
      root.stop()
    },
  }
}

interface HeldThought {
  readonly request: ThinkRequest
  readonly end: Held<Thought>
}

function thinking(thoughts: HeldThought[]): Agent {
  return {
    think(request) {
      const end = held<Thought>()
      thoughts.push({ request, end })
      return end.promise
    },
    probe: async () => {},
  }
}

interface HeldCall {
  readonly name: string
  readonly signal: AbortSignal
  readonly end: Held<string>
}

/** Whether people are asked about it hangs on its name, as it would on what it does. */
function tool(name: 'look' | 'write', calls: HeldCall[]): Tool {
  return {
    name,
    description: name,
    parameters: { type: 'object' },
    changes: name === 'write',
    idempotent: name === 'look',
    call(_, { signal }) {
      const end = held<string>()
      calls.push({ name, signal, end })
      return end.promise
    },
  }
}

function askedOf({ messages, history, steps }: ThinkRequest) {
  return {
    texts: messages.map(({ text }) => (text.startsWith('Summarise') ? 'summarise' : text)),
    // What a turn did with tools stands there too, without a text of its own.
    knows: history.map(({ text }) => text.replace(/^What was said before[^]*\n\n/, '')).filter((text) => text !== ''),
    did: steps.map(({ kind }) => kind),
  }
}

function noteState(progress: Progress, shown: string[]): void {
  if (progress.kind === 'state') shown.push(progress.state)
}

const NO_PLATFORM = {
  run: () => new Promise<never>(() => {}),
  send: () => Promise.reject(new Error('nobody sends here')),
  fetch: () => Promise.reject(new Error('nobody sends files here')),
  probe: async () => ({ id: '99', name: '@bot' }),
}

interface Place {
  readonly key: string
  readonly conversation: string
  readonly mode: 'queue' | 'interrupt'
}

const SETTINGS = { agent: 'cfo', model: 'echo', queueLimit: 1, keepsPartial: true } as const

/** Stands where the partition and the gateway stand. */
function standIn(session: SessionLogic, { key, conversation, mode }: Place) {
  let slot: 'none' | 'asked' | 'held' = 'none'
  let [routed, rested, owed] = [0, 0, false]
  const input = { key, channel: 'a', conversation, ...SETTINGS, busyMode: mode }
  const gateway = setup({
    types: {
      events: {} as
        | { type: 'child.rested'; routed: number }
        | { type: 'slot.requested' }
        | { type: 'slot.released' }
        | { type: 'outbox.owed' }
        | { type: 'xstate.error.actor.session' },
    },
    actors: { session },
  }).createMachine({
    invoke: { id: 'session', systemId: `session:${key}`, src: 'session', input },
    on: {
      'child.rested': { actions: ({ event }) => (rested = event.routed) },
      'slot.requested': { actions: () => (slot = 'asked') },
      'slot.released': { actions: () => (slot = 'none') },
      'outbox.owed': { actions: () => (owed = true) },
      'xstate.error.actor.session': {},
    },
  })
  return {
    gateway,
    route: () => ++routed,
    rested: () => rested === routed,
    /** The session asked for a slot, or was given the one that it asked for. */
    slot: () => slot,
    /** Something was committed since the last question. */
    owed(): boolean {
      const was = owed
      owed = false
      return was
    },
    granted: () => (slot = 'held'),
  }
}

/** What a text says, without its words. */
export function kindOf(text: string): string {
  for (const [pattern, kind] of KINDS) {
    const match = pattern.exec(text)
    if (match !== null) return kind.replace('$1', match[1] ?? '0')
  }
  return `something else: ${text}`
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^yes$/, 'answer'],
  [/^\/help – /, 'help'],
  [/^There is nothing to stop\.$/, 'nothing to stop'],
  [/^Stopped\.(?: (\d+) waiting messages? (?:was|were) discarded\.)?$/, 'stopped: $1 discarded'],
  [/^Started over: .* now\.(?: (\d+) waiting messages? (?:was|were) discarded\.)?$/, 'started over: $1 discarded'],
  [/was not kept: with (\d+) waiting /, 'not kept: $1 wait'],
  [/^Not now: a run is in progress/, 'not now'],
  [/^The last turn is out of the history\.$/, 'undone'],
  [/^There is no turn to take out\.$/, 'nothing to undo'],
  [/asks to use write/, 'question'],
  [/^Approved: write/, 'approved'],
  [/^Denied: write/, 'denied'],
  [/^No approval named 9-9 waits/, 'no such approval'],
  [/^There is nothing to approve\.$/, 'nothing to approve'],
  [/^Your message waits: first somebody has to decide/, 'reminded'],
  [/^The history is summarised now:\n\nyes$/, 'summarised'],
  [/^I gave up on your message/, 'gave up'],
  [/^I could not answer: .*disk/, 'failure: disk'],
  [/^I could not answer: .*prepared in time/, 'failure: not in time'],
  [/^I could not answer: .*took longer than/, 'failure: took too long'],
  [/^I could not answer: the model is away$/, 'failure: away'],
  [/^I could not answer: .*no earlier message/, 'failure: nothing to retry'],
  [/^I could not answer: .*nothing to summarise/, 'failure: nothing to summarise'],
]

function expected({ context: seen }: SnapshotFrom<Model>) {
  const { at, doing, history, line } = seen
  const isAtTurn = ['preparing', 'working', 'committing', 'writingAgain'].includes(at)
  return {
    failed: at === 'failed',
    said: seen.said,
    disk: line.map(({ name }) => name),
    history: visible(history).flat(),
    asked:
      at === 'working' && doing === 'thinking' ? { texts: textsOf(seen), knows: knownTo(seen), did: seen.steps } : null,
    // What is looked at may be looked at by anybody; what is written is asked about.
    tool: at === 'working' && doing === 'calling' ? (seen.steps.includes('decision') ? 'write' : 'look') : null,
    shown: seen.shown,
    slot: at === 'failed' ? null : at === 'waiting' ? 'asked' : isAtTurn ? 'held' : 'none',
    rested: at === 'idle' || at === 'draining',
    pending: pendingIn(seen),
  }
}

export function textsOf({ turn, history }: Seen): string[] {
  const [first = ''] = turn
  if (first === 'compact') return ['summarise']
  if (first === 'retry') return lastAsked(history).map(wordsOf)
  return [turn.join('\n')]
}

/** The history that the model is given: without what is asked again, without failures, without an answer that nobody saw. */
export function knownTo({ turn, history }: Seen): string[] {
  const known = turn[0] === 'retry' ? visible(history).slice(0, -1) : visible(history)
  return known
    .flat()
    .filter((entry) => !entry.startsWith('failure'))
    .map(wordsOf)
    .filter((text) => text !== '')
}

/** An entry is its role and its text. */
function wordsOf(entry: string): string {
  return entry.slice(entry.indexOf(' ') + 1)
}

function pendingIn({ at, doing, parts, failures }: Seen): number[] {
  switch (at) {
    case 'gathering':
      return [1_000, 5_000 - 900 * parts].sort((a, b) => a - b)
    case 'preparing':
      return [60_000]
    case 'working':
      return [doing === 'waiting for a word' ? 300_000 : 600_000]
    case 'writingAgain':
      return [1_000 * 2 ** (failures - 1)]
    default:
      return []
  }
}

const AWAY = { kind: 'retryable', reason: 'unavailable', message: 'the model is away' } as const satisfies Failure

const HOUR_MS = 3_600_000
