// A run whose history has no room in its model's context: what can be seen of it, and the real run actor on the real store beside it.
// The history is summarised before the first answer, or its oldest turn is left out; nothing of that is said to anybody.

import { expect } from 'vitest'
import { createActor, setup, type SnapshotFrom } from 'xstate'
import { FailureError } from '../../machines/failure.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import type { RunInput } from '../../machines/run-words.ts'
import { runActor } from '../../src/actors/run.ts'
import type { ThinkRequest, Thought } from '../../src/agents/agent.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { testAgent } from '../support/definitions.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'
import type { RunLogic } from './run-subject.ts'

export const HISTORY_EVENTS = [{ type: 'answers' }, { type: 'fails' }, { type: 'breaks' }] as const

/** `told` is what the model is given of what was said before. */
export function historyModel(begins: 'summarising' | 'shortened') {
  return setup({ types: { events: {} as (typeof HISTORY_EVENTS)[number] } }).createMachine({
    initial: begins,
    states: {
      summarising: { on: { answers: 'summarised', fails: 'shortened', breaks: 'broken' } },
      summarised: { on: { answers: 'answered', fails: 'failed', breaks: 'broken' } },
      shortened: { on: { answers: 'answered', fails: 'failed', breaks: 'broken' } },
      answered: {},
      failed: {},
      broken: {},
    },
  })
}

type Model = ReturnType<typeof historyModel>
type Named = 'summarising' | 'summarised' | 'shortened' | 'answered' | 'failed' | 'broken'

export interface HistoryOptions {
  readonly begins: 'summarising' | 'shortened'
  readonly taken?: Taken
  readonly broken?: (real: RunLogic) => RunLogic
}

const store = openMemoryStore({ world: testWorld() })
let subjects = 0

export async function historySubject({
  begins,
  taken,
  broken = (real) => real,
}: HistoryOptions): Promise<Subject<Model>> {
  const world = testWorld()
  subjects += 1
  const session = `a/history-${subjects}`
  const thoughts: (Held<Thought> & { readonly request: ThinkRequest })[] = []
  const real = runActor(
    testParts({
      world,
      store,
      buildAgent: async () => ({
        think(request) {
          const thought = Object.assign(held<Thought>(), { request })
          thoughts.push(thought)
          return thought.promise
        },
        probe: async () => {},
      }),
    }),
  )
  let failed = false
  // The run begins once somebody watches: what it decides at its very beginning is what this is about.
  const above = setup({ actors: { run: broken(real) } }).createMachine({
    initial: 'before',
    states: {
      before: { on: { begin: 'running' } },
      running: { invoke: { id: 'run', src: 'run', input: inputOf(session, begins === 'summarising') } },
    },
    on: { 'xstate.error.actor.run': { actions: () => (failed = true) } },
  })
  const root = createActor(above, { clock: world.clock, systemId: 'gateway' })
  taken?.watch(root)
  root.start()
  root.send({ type: 'begin' })
  await settled()
  const thinks = (how: (thought: Held<Thought>) => void): void => {
    const thought = thoughts.shift()
    if (thought !== undefined) how(thought)
  }
  const play = {
    answers: () => thinks((thought) => thought.resolve({ text: 'in short', calls: [], usage: null })),
    fails: () => thinks((thought) => thought.reject(new FailureError(AWAY))),
    breaks: () => thinks((thought) => thought.reject(new TypeError('a defect'))),
  }
  return {
    async play(event) {
      play[event.type]()
      await settled()
    },
    async compare(state) {
      const { status, output } = root.getSnapshot().children.run?.getSnapshot() ?? {}
      const asked = thoughts[0]?.request
      const kept = (await store.transcript(session)).map(({ role }) => role)
      const seen = {
        failed,
        ended: status === 'done' ? output?.kind : null,
        asked:
          asked === undefined ? null : { about: asked.messages[0]?.text, told: asked.history.map(({ text }) => text) },
        kept,
      }
      expect(seen).toEqual(expectedOf(state, kept.length > 0))
    },
    async close() {
      root.stop()
    },
  }
}

/** Once a summary is there it stays, however the run ends. */
function expectedOf({ value }: SnapshotFrom<Model>, isSummarised: boolean) {
  const name: Named = value
  const quiet = { failed: name === 'broken', ended: null, asked: null, kept: isSummarised ? ['summary'] : [] }
  switch (name) {
    case 'summarising':
      return { ...quiet, asked: { about: expect.stringContaining('Summarise'), told: NEWEST }, kept: [] }
    case 'summarised':
      return { ...quiet, asked: { about: 'hello', told: [expect.stringContaining('in short')] }, kept: ['summary'] }
    case 'shortened':
      return { ...quiet, asked: { about: 'hello', told: NEWEST }, kept: [] }
    case 'answered':
    case 'failed':
      return { ...quiet, ended: name }
    case 'broken':
      return quiet
  }
}

/** The oldest turn alone has no room: a summary is made of what has, and so is the answer without one. */
const NEWEST = ['and now?', 'Now this.']

function inputOf(session: string, mayCompact: boolean): RunInput {
  const said = (seq: number, role: 'user' | 'assistant', text: string): TranscriptEntry => ({
    ...{ seq, role, text, sender: null, atMs: 0, steps: [] },
    turn: `turn-${Math.ceil(seq / 2)}`,
  })
  const model = { baseUrl: 'http://127.0.0.1:9/v1', apiKey: null, prices: null, contextTokens: 1_000 }
  return {
    definition: testAgent('cfo', { model: { provider: 'openai-compatible', name: 'm', ...model }, compactAt: 0.8 }),
    channel: 'a',
    conversation: 'c1',
    session,
    turn: 'turn-3',
    history: [
      said(1, 'user', 'x'.repeat(6_000)),
      said(2, 'assistant', 'long ago'),
      said(3, 'user', 'and now?'),
      said(4, 'assistant', 'Now this.'),
    ],
    seqs: [3],
    messages: [{ text: 'hello', sender: { id: '1', name: 'Anna', handle: null }, kind: 'dm' }],
    steps: [],
    nowMs: 0,
    draining: false,
    mayCompact,
  }
}

const AWAY = { kind: 'retryable', reason: 'unavailable', message: 'the model is away' } as const
