// The real run actor on the real store: the disk's line, the model, the tools and the clock are in the test's hand, and so is the
// session above it, which hears what the run says.

import { expect } from 'vitest'
import { type AnyActorRef, createActor, setup, type SnapshotFrom } from 'xstate'
import { FailureError } from '../../machines/failure.ts'
import type { ToRun } from '../../machines/messages.ts'
import type { RunInput } from '../../machines/run-words.ts'
import type { RunOutcome } from '../../machines/commits.ts'
import type { AnswerStep, Step, ToolCall } from '../../machines/steps.ts'
import { runActor } from '../../src/actors/run.ts'
import type { ThinkRequest, Thought } from '../../src/agents/agent.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { Disk } from '../sim/disk.ts'
import { testAgent } from '../support/definitions.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import { toolParts } from '../support/tools.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'
import type { RunEvent, runModel, Seen, Tools } from './run-model.ts'

type Model = ReturnType<typeof runModel>
export type RunLogic = ReturnType<typeof runActor>

export interface RunOptions {
  readonly beginning: Seen
  readonly taken?: Taken
  readonly broken?: (real: RunLogic) => RunLogic
}

const RUN_MS = 600_000
const APPROVAL_MS = 300_000

/** Each subject is a conversation of its own in one store: to open a store costs as much as to play a path. */
const store = openMemoryStore({ world: testWorld() })
let subjects = 0

export async function runSubject({ beginning, taken, broken = (real) => real }: RunOptions): Promise<Subject<Model>> {
  const world = testWorld()
  subjects += 1
  const conversation = `c${subjects}`
  const disk = new Disk(store, world.nowMs, () => {})
  disk.turn('slow')
  let breaksNext = false
  const handle = disk.handleOf({ alive: true })
  const breakable: Store = {
    ...handle,
    async commit(commit) {
      await handle.commit(commit)
      if (!breaksNext) return
      breaksNext = false
      throw new TypeError('a defect')
    },
  }
  const thoughts: (Held<Thought> & { readonly request: ThinkRequest })[] = []
  const calls: (Held<string> & { readonly name: string; readonly signal: AbortSignal })[] = []
  const use = (name: string): Tool => ({
    name,
    description: name,
    parameters: { type: 'object' },
    changes: name === 'write',
    idempotent: false,
    call(_, { signal }) {
      const call = Object.assign(held<string>(), { name, signal })
      calls.push(call)
      return call.promise
    },
  })
  const tools = { tools: { look: use('look'), write: use('write') }, opened: [], closed: [] as string[] }
  const real = runActor(
    testParts({
      ...toolParts(tools),
      world,
      store: breakable,
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
  const told = { approvals: 0, asksForSteering: false }
  const above = setup({ actors: { run: broken(real) } }).createMachine({
    invoke: { id: 'run', src: 'run', input: inputOf(beginning, conversation, world.nowMs()) },
    on: {
      'approvals.waiting': { actions: ({ event }) => (told.approvals = (event['approvals'] as unknown[]).length) },
      'steering.requested': { actions: () => (told.asksForSteering = true) },
      'xstate.error.actor.run': {},
    },
  })
  const root = createActor(above, { clock: world.clock, systemId: 'gateway' })
  taken?.watch(root)
  root.start()
  await settled()
  const run: AnyActorRef | undefined = root.getSnapshot().children['run']
  const send = (event: ToRun): void => run?.send(event)
  const living = () => thoughts.find(({ request }) => !request.signal.aborted)
  const atWork = () => calls.find(({ signal }) => !signal.aborted)
  let decided = 0

  function thinks(how: (thought: Held<Thought>) => void): void {
    const thought = living()
    if (thought === undefined) return
    thoughts.splice(thoughts.indexOf(thought), 1)
    how(thought)
  }
  function works(how: (call: Held<string>) => void): void {
    const call = atWork()
    if (call === undefined) return
    calls.splice(calls.indexOf(call), 1)
    how(call)
  }
  async function lets(how: 'take' | 'fail' | 'break'): Promise<void> {
    if (how === 'fail') disk.turn('failAll')
    breaksNext = how === 'break'
    await disk.flush(1)
    disk.heal()
  }
  const play: { [T in RunEvent['type']]: (event: Extract<RunEvent, { type: T }>) => unknown } = {
    asks: ({ what }) => thinks((thought) => thought.resolve({ text: '', calls: callsOf(what), usage: null })),
    answers: () => thinks((thought) => thought.resolve({ text: 'yes', calls: [], usage: null })),
    fails: () => thinks((thought) => thought.reject(new FailureError(AWAY))),
    breaks: () => thinks((thought) => thought.reject(new TypeError('a defect'))),
    disk: () => lets('take'),
    diskFails: () => lets('fail'),
    diskBreaks: () => lets('break'),
    toolEnds: () => works((call) => call.resolve('ok')),
    toolFails: () => works((call) => call.reject(new Error('it broke'))),
    decides: ({ approved }) => {
      // When nobody waits for it, it names what nobody asked about.
      const call = told.approvals === 0 ? '9' : `${++decided}`
      send({ type: 'approval.decided', call, approved, by: '1' })
    },
    steers({ with: what }) {
      told.asksForSteering = false
      send({ type: 'steering.given', messages: what === 'nothing' ? [] : [STEERING] })
    },
    time: () => world.advance(world.pending()[0] ?? HOUR_MS),
    drain: () => send({ type: 'drain' }),
  }

  return {
    async play(event) {
      await play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    compare(state) {
      const { status, output } = run?.getSnapshot() ?? {}
      const request = living()?.request
      expect({
        status,
        outcome: output === undefined ? null : outcomeOf(output),
        asked: request === undefined ? null : { did: request.steps.map(({ kind }) => kind), mayCall: request.mayCall },
        tools: calls.filter(({ signal }) => !signal.aborted).length,
        disk: disk.names.length,
        approvals: told.approvals,
        steering: status === 'active' && told.asksForSteering,
        pending: world.pending(),
        closed: tools.closed.length,
      }).toEqual(expected(state))
    },
    async close() {
      root.stop()
    },
  }
}

function callsOf(what: Tools): ToolCall[] {
  const call = (id: string, tool: string): ToolCall => ({ id, tool, input: {} })
  if (what === 'two') return [call('1', 'write'), call('2', 'write')]
  return [call('1', what)]
}

/** What a session gives its run; after a crash with what the earlier one had come to. */
function inputOf(beginning: Seen, conversation: string, nowMs: number): RunInput {
  const definition = testAgent('cfo', {
    tools: ['look', 'write'],
    maxSteps: 2,
    runTimeoutMs: RUN_MS,
    approvalTimeoutMs: APPROVAL_MS,
  })
  const hasBegun = beginning.at === 'acting'
  const call = { id: '1', tool: 'write', input: {}, policy: hasBegun ? 'allow' : 'ask', idempotent: false } as const
  const answer: AnswerStep = { kind: 'answer', text: '', calls: [call], atMs: nowMs - beginning.passed, seqs: [1] }
  const lost: Step[] = hasBegun ? [answer, { kind: 'begin', call: '1' }] : [answer]
  return {
    definition,
    channel: 'a',
    conversation,
    session: `a/${conversation}`,
    turn: 'turn-1',
    history: [],
    seqs: [1],
    messages: [{ text: 'hello', sender: SENDER, kind: 'dm' }],
    steps: beginning.steps.length === 0 ? [] : lost,
    nowMs,
    draining: beginning.draining,
    mayCompact: false,
  }
}

function expected({ context: seen }: SnapshotFrom<Model>) {
  const { at, steps, calls, line, outcome } = seen
  const isOver = outcome !== null || at === 'broken'
  return {
    status: at === 'broken' ? 'error' : outcome === null ? 'active' : 'done',
    outcome,
    asked: at === 'thinking' ? { did: steps, mayCall: !steps.includes('answer') } : null,
    tools: calls.filter((call) => call === 'at work').length,
    disk: line.length,
    approvals: at === 'awaiting' ? calls.length : 0,
    steering: at === 'steering',
    pending: pendingIn(seen),
    closed: isOver && seen.opened ? 1 : 0,
  }
}

/** Its work has a deadline, and somebody's word has one; while that is waited for the other stands still. */
function pendingIn({ at, outcome, waiting, passed }: Seen): number[] {
  if (outcome !== null || at === 'broken') return []
  if (at === 'awaiting') return [APPROVAL_MS - passed]
  return [...(waiting === null ? [] : [1_000]), RUN_MS - passed]
}

function outcomeOf(output: RunOutcome): string {
  if (output.kind === 'answered') return 'answer'
  const { message } = output.failure
  if (message === AWAY.message) return 'away'
  return message.includes('took longer')
    ? 'too long'
    : message.includes('did not come to an answer')
      ? 'too many steps'
      : message
}

const SENDER = { id: '1', name: 'Anna', handle: null }

const STEERING = { seqs: [2], text: 'in French', sender: SENDER, kind: 'dm' } as const

const AWAY = { kind: 'retryable', reason: 'unavailable', message: 'the model is away' } as const

const HOUR_MS = 3_600_000
