// Hooks on the real tree and store: what they are told, what becomes of their answers, and that none of them takes a session with it.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { AgentHookEvent, HookAnswer, HookDefinition } from '../../machines/hooks.ts'
import { HOOK_MS_MAX } from '../../machines/limits.ts'
import type { HookCall } from '../../src/actors/hooks.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { type Held, held, settled } from '../support/world.ts'

const hook = (path: string, given: Partial<HookDefinition> = {}): HookDefinition => ({
  kind: 'executable',
  path,
  timeoutMs: 10_000,
  onFailure: 'go_on',
  ...given,
})

interface Asked extends HookCall {
  readonly signal: AbortSignal
  readonly answer: Held<HookAnswer>
}

type Answers = Readonly<Record<string, HookAnswer | FailureError | 'held'>>

/** A house whose cfo has these hooks; each answers by its path. */
async function open(
  events: Partial<Record<AgentHookEvent, HookDefinition[]>>,
  answers: Answers = {},
  given: HouseOptions = {},
) {
  const asked: Asked[] = []
  const house = await openHouse({
    agents: { cfo: { hooks: events } },
    ...given,
    hooks: {
      run(call, signal) {
        const answer = held<HookAnswer>()
        asked.push({ ...call, signal, answer })
        if (call.hook.path !== 'deaf') signal.addEventListener('abort', () => answer.reject(new FailureError(ENDED)))
        const said = answers[call.hook.path] ?? {}
        if (said instanceof FailureError) answer.reject(said)
        else if (said !== 'held') answer.resolve(said)
        return answer.promise
      },
    },
  })
  return { house, asked, told: () => asked.map(({ document }) => document.id) }
}

const ENDED = { kind: 'permanent', reason: 'cancelled', message: 'the call was ended' } as const
const BROKEN = new FailureError({ kind: 'permanent', reason: 'refused', message: 'it ended with exit code 1' })

const questions = (house: House): string[] =>
  house.thoughts.map(({ request }) => request.messages.map(({ text }) => text).join(' | '))

async function outcomes(house: House) {
  const { entries } = await house.store.record('a/c1', null, 100)
  return entries.flatMap((each) => (each.kind === 'message' ? [[each.text, each.outcome, each.reason]] : []))
}

test('a turn with hooks on every event: each is told once, in order, with ids of its own', async () => {
  const all = {
    'session.start': [hook('s')],
    'message.accepted': [hook('m')],
    'run.start': [hook('r')],
    'run.end': [hook('e')],
  }
  const { house, asked, told } = await open(all)
  await house.says('a', 'hello')
  await house.thoughts[0]?.answer('hi')
  expect(told()).toEqual([
    'session.start:a/c1:turn-1',
    'message.accepted:1',
    'run.start:a/c1:turn-1',
    'run.end:a/c1:turn-1',
  ])
  expect(asked[1]?.document).toMatchObject({
    agent: 'cfo',
    channel: 'a',
    session: 'a/c1',
    message: { id: 1, text: 'hello', sender: { id: '1' } },
  })
  expect(asked[3]?.document).toMatchObject({ outcome: 'answered', text: 'hi' })
  await house.says('a', 'again')
  // Not the first turn of its conversation any more.
  expect(told().slice(4)).toEqual(['message.accepted:2', 'run.start:a/c1:turn-2'])
})

test('message.accepted rewrites a text, one after the other; the history has it as it was told', async () => {
  const { house, asked } = await open(
    { 'message.accepted': [hook('one'), hook('two')] },
    { one: { text: 'HELLO' }, two: { text: 'HELLO!' } },
  )
  await house.says('a', 'hello')
  expect(asked[1]?.document['message']).toMatchObject({ text: 'HELLO' })
  expect(questions(house)).toEqual(['HELLO!'])
  await house.thoughts[0]?.answer('hi')
  expect((await house.store.transcript('a/c1')).map(({ text }) => text)).toEqual(['HELLO!', 'hi'])
})

test('S4: a message that is refused is told so and has its end; no run begins, and the next one is asked anew', () =>
  expectRefused())

test('a store that forgets the end of a refused message is caught', async () => {
  const forgetful: HouseOptions = {
    wrap: (store) => ({
      ...store,
      commit: (commit) =>
        store.commit({ ...commit, settled: commit.settled.filter(({ outcome }) => outcome !== 'discarded') }),
    }),
  }
  await expect(expectRefused(forgetful)).rejects.toThrow(/discarded/)
})

async function expectRefused(given: HouseOptions = {}): Promise<void> {
  const { house, asked } = await open({ 'message.accepted': [hook('m'), hook('never')] }, { m: 'held' }, given)
  await house.says('a', 'buy now')
  asked[0]?.answer.resolve({ refuse: 'no advertising' })
  await settled()
  expect(house.platform('a').sent.map(({ text }) => text)).toEqual(['Your message was refused: no advertising'])
  expect(await outcomes(house)).toEqual([['buy now', 'discarded', 'a hook refused it: no advertising']])
  expect([house.thoughts.length, asked.length, house.census().idle]).toEqual([0, 1, 1])
  expect(await house.store.transcript('a/c1')).toEqual([])
  await house.says('a', 'hello')
  asked[1]?.answer.resolve({})
  await settled()
  expect(questions(house)).toEqual(['hello'])
}

test('S4: of messages that make one turn only the refused one ends; the others run', async () => {
  const { house, asked } = await open(
    { 'message.accepted': [hook('m')] },
    { m: 'held' },
    { channels: { a: { busyMode: 'collect' } } },
  )
  await house.says('a', 'first')
  for (const text of ['bad', 'good']) await house.says('a', text)
  asked[0]?.answer.resolve({})
  await settled()
  await house.thoughts[0]?.answer('one')
  asked[1]?.answer.resolve({ refuse: 'bad' })
  await settled()
  asked[2]?.answer.resolve({})
  await settled()
  expect(questions(house)).toEqual(['first', 'good'])
  await house.thoughts[1]?.answer('two')
  expect((await outcomes(house)).map(([text, outcome]) => `${text} ${outcome}`)).toEqual([
    'first answered',
    'bad discarded',
    'good answered',
  ])
})

test('run.start adds to instructions and text of its run alone, or refuses it', async () => {
  const { house, asked } = await open(
    { 'run.start': [hook('r')] },
    { r: 'held' },
    { agents: { cfo: { hooks: { 'run.start': [hook('r')] }, instructions: 'Count.' } } },
  )
  await house.says('a', 'how much?')
  asked[0]?.answer.resolve({ instructions: 'The rate is 3.', text: '(asked from Berlin)' })
  await settled()
  expect(questions(house)).toEqual(['how much?\n\n(asked from Berlin)'])
  expect(house.thoughts[0]?.instructions).toBe('Count.\n\nThe rate is 3.')
  await house.thoughts[0]?.answer('3')
  await house.says('a', 'and now?')
  asked[1]?.answer.resolve({ refuse: 'closed' })
  await settled()
  expect(house.platform('a').sent.at(-1)?.text).toBe('Your message was refused: closed')
  expect(house.thoughts).toHaveLength(1)
})

test('S15: a hook that fails is as if it were not there; with on_failure: refuse what it was asked about is refused', async () => {
  const lenient = await open({ 'message.accepted': [hook('m')], 'run.start': [hook('m')] }, { m: BROKEN })
  await lenient.house.says('a', 'hello')
  expect(questions(lenient.house)).toEqual(['hello'])
  const strict = await open({ 'message.accepted': [hook('m', { onFailure: 'refuse' })] }, { m: BROKEN })
  await strict.house.says('a', 'hello')
  expect(strict.house.platform('a').sent.map(({ text }) => text)).toEqual([
    'Your message was refused: it could not be checked; try again later',
  ])
})

test('S7: all hooks of a turn have one deadline, well before that of the preparation', async () => {
  const { house, asked } = await open({ 'message.accepted': [hook('m'), hook('m'), hook('m')] }, { m: 'held' })
  await house.says('a', 'hello')
  await house.world.advance(HOOK_MS_MAX - 1_000)
  asked[0]?.answer.resolve({})
  await settled()
  expect(asked[1]?.withinMs).toBe(1_000)
  await house.world.advance(1_000)
  asked[1]?.answer.reject(BROKEN)
  await settled()
  // No time is left for the third.
  expect([asked.length, questions(house)]).toEqual([2, ['hello']])
})

test('S13: a second message while run.start takes its time: one run, and the second message after it', async () => {
  const { house, asked } = await open({ 'run.start': [hook('r')] }, { r: 'held' })
  await house.says('a', 'first')
  await house.world.advance(50)
  await house.says('a', 'second')
  expect([asked.length, house.census().pending, house.thoughts.length]).toEqual([1, 1, 0])
  asked[0]?.answer.resolve({})
  await settled()
  await house.thoughts[0]?.answer('one')
  asked[1]?.answer.resolve({})
  await settled()
  expect(questions(house)).toEqual(['first', 'second'])
})

test('S16 S6: /stop while a hook is asked ends it at once; what it says afterwards is nobody’s', async () => {
  const { house, asked } = await open({ 'message.accepted': [hook('m')] }, { m: 'held' })
  await house.says('a', 'hello')
  await house.says('a', '/stop')
  expect([asked[0]?.signal.aborted, house.census().idle, house.thoughts.length]).toEqual([true, 1, 0])
  expect(house.platform('a').sent.map(({ text }) => text)).toEqual(['Stopped.'])
})

test('M5: a crash while a hook is asked: it is asked again with the same id, and the message is answered once', async () => {
  const events = { 'message.accepted': [hook('m')] }
  const first = await open(events, { m: 'held' })
  await first.house.says('a', 'hello')
  first.house.kill()
  const { store, world } = first.house
  const second = await open(events, {}, { store, world })
  await settled()
  expect([first.told(), second.told()]).toEqual([['message.accepted:1'], ['message.accepted:1']])
  await second.house.thoughts[0]?.answer('hi')
  expect(second.house.platform('a').sent).toHaveLength(1)
})

test('S23: what a hook is to see first is not given to a run that goes on: it is the next turn', async () => {
  const events = { 'message.accepted': [hook('m')] }
  const wait = held<string>()
  const look: Tool = {
    ...{ name: 'look', description: 'look', parameters: { type: 'object' }, changes: false, idempotent: true },
    call: () => wait.promise,
  }
  const { house, asked } = await open(
    events,
    {},
    { tools: { look }, agents: { cfo: { hooks: events, tools: ['look'] } } },
  )
  await house.says('a', 'first')
  await house.thoughts[0]?.asks({ id: 'c1', tool: 'look', input: {} })
  await house.says('a', '/steer second')
  wait.resolve('nothing')
  await settled()
  expect(house.thoughts[1]?.request.steps.at(-1)).toMatchObject({ kind: 'result' })
  await house.thoughts[1]?.answer('one')
  expect(asked.map(({ document }) => document.id)).toEqual(['message.accepted:1', 'message.accepted:2'])
  expect(house.thoughts[2]?.request.messages.map(({ text }) => text)).toEqual(['second'])
})

test('S6: a hook that answers although its turn was stopped is the last that is asked', async () => {
  const { house, asked } = await open({ 'message.accepted': [hook('deaf'), hook('m')] }, { deaf: 'held' })
  await house.says('a', 'hello')
  await house.says('a', '/stop')
  asked[0]?.answer.resolve({ text: 'too late' })
  await settled()
  expect([asked.length, house.thoughts.length]).toEqual([1, 0])
})

test.each([
  ['/stop', 'queue', 'stopped'],
  ['and?', 'interrupt', 'interrupted'],
] as const)('run.end: %s in a run (%s) is told as %s', async (text, busyMode, outcome) => {
  const { house, asked } = await open({ 'run.end': [hook('e')] }, {}, { channels: { a: { busyMode } } })
  await house.says('a', 'first')
  await house.says('a', text)
  expect(asked.map(({ document }) => document['outcome'])).toEqual([outcome])
})

test('run.end: a failed run is told with its reason; one that a drain ends is not over', async () => {
  const { house, asked } = await open({ 'run.end': [hook('e')] })
  await house.says('a', 'first')
  await house.thoughts[0]?.fail(new FailureError({ kind: 'permanent', reason: 'refused', message: 'no such model' }))
  expect(asked.map(({ document }) => [document['outcome'], document['text']])).toEqual([['failed', 'no such model']])
  await house.says('a', 'second')
  house.gateway.send({ type: 'drain' })
  await house.world.advance(20_000)
  expect(asked).toHaveLength(1)
})

test('a run.end hook that fails, or that never ends, holds up nothing', async () => {
  const { house } = await open({ 'run.end': [hook('e'), hook('f')] }, { e: BROKEN, f: 'held' })
  await house.says('a', 'first')
  await house.thoughts[0]?.answer('one')
  await house.says('a', 'second')
  await house.thoughts[1]?.answer('two')
  expect(house.platform('a').sent.map(({ text }) => text)).toEqual(['one', 'two'])
})

test('an agent without hooks is prepared as it always was', async () => {
  const { house, asked } = await open({})
  await house.says('a', 'hello')
  expect([asked.length, questions(house)]).toEqual([0, ['hello']])
})

test('a /retry asks the hooks of its run, and begins no conversation', async () => {
  const { house, told } = await open({
    'session.start': [hook('s')],
    'message.accepted': [hook('m')],
    'run.start': [hook('r')],
  })
  await house.says('a', 'hello')
  await house.thoughts[0]?.answer('hi')
  await house.says('a', '/retry')
  expect(told().slice(3)).toEqual(['run.start:a/c1:turn-2'])
  expect(questions(house)).toEqual(['hello', 'hello'])
})
