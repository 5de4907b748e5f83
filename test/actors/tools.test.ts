// Tools, approvals and steering through the real actors and store: what people see, what is on disk, what a crash leaves.

import { describe, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'

interface TestTool extends Tool {
  /** Calls in progress and done, oldest first; each waits for the test. */
  readonly calls: (Held<string> & { readonly id: string; readonly input: unknown; readonly signal: AbortSignal })[]
}

function testTool(name: string, given: Partial<Pick<Tool, 'changes' | 'idempotent'>> = {}): TestTool {
  const calls: TestTool['calls'] = []
  return {
    name,
    description: name,
    parameters: { type: 'object' },
    changes: false,
    idempotent: false,
    ...given,
    calls,
    call(input, { id, signal }) {
      const call = Object.assign(held<string>(), { id, input, signal })
      signal.addEventListener('abort', () => call.reject(new Error('aborted')))
      calls.push(call)
      return call.promise
    },
  }
}

const LOOK = { id: '1', tool: 'look', input: { at: 'it' } }
const WRITE = { id: '2', tool: 'write', input: { text: 'x' } }

async function houseWith(given: HouseOptions = {}) {
  const look = testTool('look', { idempotent: true })
  const write = testTool('write', { changes: true })
  const house = await openHouse({
    agents: { cfo: { tools: ['look', 'write'], ...given.agents?.['cfo'] } },
    tools: { look, write },
    ...(given.store === undefined ? {} : { store: given.store }),
    ...(given.channels === undefined ? {} : { channels: given.channels }),
  })
  return { house, look, write }
}

const sent = (house: House): string[] => house.platform('a').sent.map(({ text }) => text)

describe('a run uses tools', () => {
  test('S42: the model is told the result, and the answer after it is the reply', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK)
    expect(look.calls.map(({ input }) => input)).toEqual([{ at: 'it' }])
    look.calls[0]?.resolve('nothing')
    await settled()
    expect(house.thoughts[1]?.request.steps.map((step) => step.kind)).toEqual(['answer', 'begin', 'result'])
    await house.thoughts[1]?.answer('There is nothing.')
    expect(sent(house)).toEqual(['There is nothing.'])
    expect((await house.store.transcript('a/c1')).map(({ role, steps }) => [role, steps.length])).toEqual([
      ['user', 0],
      ['assistant', 3],
    ])
  })

  test('several at once, and a result is written when it is there', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK, { ...LOOK, id: '2' })
    expect(look.calls).toHaveLength(2)
    look.calls[1]?.resolve('second')
    await settled()
    const begun = await house.store.begin('a/c1', 'turn-1', [])
    expect(begun.steps.filter((step) => step.kind === 'result').map((step) => step.call)).toEqual(['2'])
  })

  test('a tool that fails, and a tool that nobody has, are results that the model reads', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(
      LOOK,
      { id: '9', tool: 'loook', input: {} },
      { id: '10', tool: 'look', input: 'at it' },
    )
    look.calls[0]?.reject(new FailureError({ kind: 'permanent', reason: 'notFound', message: 'it is gone' }))
    await settled()
    const results = house.thoughts[1]?.request.steps.filter((step) => step.kind === 'result') ?? []
    expect(Object.fromEntries(results.map(({ call, text, failed }) => [call, [text, failed]]))).toEqual({
      '1': ['it is gone', true],
      '9': ['There is no tool loook. There are: look, write.', true],
      '10': ['The input of look must be an object.', true],
    })
  })

  test('the next turn knows what the run before it did', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK)
    look.calls[0]?.resolve('nothing')
    await settled()
    await house.thoughts[1]?.answer('There is nothing.')
    await house.says('a', 'sure?')
    const { history } = house.thoughts[2]?.request ?? { history: [] }
    expect(history.map(({ role, text, steps }) => [role, text, steps?.length ?? 0])).toEqual([
      ['user', 'what is there?', 0],
      ['assistant', '', 3],
      ['assistant', 'There is nothing.', 0],
    ])
  })

  test('what it did with a tool that is gone since is told in words, as providers ask: all else as it was', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.gives({ text: 'Let me look.', calls: [LOOK, { ...LOOK, id: '2', tool: 'loook' }] })
    look.calls[0]?.resolve('nothing')
    await settled()
    await house.thoughts[1]?.answer('There is nothing.')
    await house.says('a', 'sure?')
    const { history } = house.thoughts[2]?.request ?? { history: [] }
    const none = 'There is no tool loook. There are: look, write.'
    expect(history.map(({ text, steps }) => [text, steps])).toEqual([
      ['what is there?', undefined],
      [`Let me look.\n(I used look with {"at":"it"}: nothing)\n(I used loook with {"at":"it"}: ${none})`, undefined],
      ['There is nothing.', undefined],
    ])
  })

  test('A2: each run has its own toolbox, and it is closed with the run', async () => {
    const { house } = await houseWith()
    await house.says('a', 'one')
    await house.says('a', 'two', { conversation: 'c2' })
    expect(house.tools.opened).toEqual(['a/c1', 'a/c2'])
    await house.thoughts[0]?.answer('done')
    expect(house.tools.closed).toEqual(['a/c1'])
    await house.says('a', '/stop', { conversation: 'c2' })
    expect(house.tools.closed).toEqual(['a/c1', 'a/c2'])
  })

  test('S32 S33: /stop ends the tools; what they say afterwards is neither written nor told', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK)
    await house.says('a', '/stop')
    expect(look.calls[0]?.signal.aborted).toBe(true)
    look.calls[0]?.resolve('late')
    await settled()
    const { steps } = await house.store.begin('a/c1', 'turn-1', [])
    expect(steps.map((step) => step.kind)).toEqual(['answer', 'begin'])
    expect(house.thoughts).toHaveLength(1)
    expect(sent(house)).toEqual(['Stopped.'])
  })
})

describe('a partial answer', () => {
  const saysHalf = async (partialAnswers: 'keep' | 'drop', end: string) => {
    const house = await openHouse({ channels: { a: { busyMode: 'interrupt', partialAnswers } } })
    await house.says('a', 'count')
    house.thoughts[0]?.says('one, two, ')
    house.thoughts[0]?.says('three')
    await house.says('a', end)
    return house
  }

  test.each(['/stop', 'no, in French'])('S20: %s keeps what was seen in the history, once', async (end) => {
    const house = await saysHalf('keep', end)
    expect((await house.store.transcript('a/c1')).map(({ role, text }) => [role, text])).toEqual([
      ['user', 'count'],
      ['partial', 'one, two, three'],
    ])
    if (end === '/stop') return
    expect(house.thoughts[1]?.request.history.map(({ text }) => text)).toEqual(['count', 'one, two, three'])
    await house.thoughts[1]?.answer('un, deux')
    expect(sent(house)).toEqual(['un, deux'])
  })

  test('S20: what was said before the tools that /stop ends is told once, in its step', async () => {
    const { house } = await houseWith()
    await house.says('a', 'what is there?')
    house.thoughts[0]?.says('Let me look.')
    await house.thoughts[0]?.gives({ text: 'Let me look.', calls: [LOOK] })
    await house.says('a', '/stop')
    await house.says('a', 'and now?')
    const { history } = house.thoughts[1]?.request ?? { history: [] }
    expect(history.map(({ text, steps }) => [text, steps?.map((step) => ('text' in step ? step.text : ''))])).toEqual([
      ['what is there?', undefined],
      ['', ['Let me look.', '']],
    ])
  })

  test('S20: with partial_answers: drop the next turn knows only what was asked', async () => {
    const house = await saysHalf('drop', 'no, in French')
    expect(house.thoughts[1]?.request.history.map(({ text }) => text)).toEqual(['count'])
  })
})

describe('steering', () => {
  test('S23: /steer is given to the run at its next step, and settled with its turn', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK)
    await house.says('a', '/steer in French')
    look.calls[0]?.resolve('nothing')
    await settled()
    expect(house.thoughts[1]?.request.steps.at(-1)).toMatchObject({
      kind: 'steering',
      messages: [{ text: 'in French' }],
    })
    await house.thoughts[1]?.answer('Rien.')
    expect(house.thoughts).toHaveLength(2)
    expect(await house.store.unfinished('a', 0, 9)).toEqual([])
    expect((await house.store.transcript('a/c1')).map(({ role, text }) => [role, text])).toEqual([
      ['user', 'what is there?'],
      ['user', 'in French'],
      ['assistant', 'Rien.'],
    ])
  })

  test('S23: after the last tool call it becomes the next turn; one that waits does not switch off the next', async () => {
    const { house, look } = await houseWith({ channels: { a: { busyMode: 'steer' } } })
    await house.says('a', 'what is there?')
    await house.says('a', '/queue later')
    await house.thoughts[0]?.asks(LOOK)
    await house.says('a', 'in French')
    look.calls[0]?.resolve('nothing')
    await settled()
    await house.says('a', 'and short')
    await house.thoughts[1]?.answer('Rien.')
    expect(house.thoughts[2]?.request.messages.map(({ text }) => text)).toEqual(['and short'])
    await house.thoughts[2]?.answer('ok')
    expect(house.thoughts[3]?.request.messages.map(({ text }) => text)).toEqual(['later'])
  })

  test('S41: what a run was given before a crash is part of its turn afterwards, and not a turn of its own', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK)
    await house.says('a', '/steer in French')
    look.calls[0]?.resolve('nothing')
    await settled()
    house.kill()
    const { house: next } = await houseWith({ store: house.store })
    expect(next.thoughts.map(({ request }) => request.steps.at(-1)?.kind)).toEqual(['steering'])
    await next.thoughts[0]?.answer('Rien.')
    expect(next.thoughts).toHaveLength(1)
    expect(await house.store.unfinished('a', 0, 9)).toEqual([])
  })
})

describe('S42: after a crash in the middle of a run', () => {
  test('finished steps are not repeated', async () => {
    const { house, look } = await houseWith()
    await house.says('a', 'what is there?')
    await house.thoughts[0]?.asks(LOOK)
    look.calls[0]?.resolve('nothing')
    await settled()
    house.kill()
    const { house: next, look: again } = await houseWith({ store: house.store })
    expect(again.calls).toHaveLength(0)
    expect(next.thoughts[0]?.request.steps.at(-1)).toMatchObject({ kind: 'result', text: 'nothing' })
  })

  test('a call whose outcome is unknown is told as such, and repeated only when that is the same', async () => {
    const { house, look, write } = await houseWith({ agents: { cfo: { approval: { write: 'allow' } } } })
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(LOOK, WRITE)
    expect([look.calls.length, write.calls.length]).toEqual([1, 1])
    house.kill()
    const { house: next, look: lookAgain, write: writeAgain } = await houseWith({ store: house.store })
    expect([lookAgain.calls.length, writeAgain.calls.length]).toEqual([1, 0])
    lookAgain.calls[0]?.resolve('nothing')
    await settled()
    const results = next.thoughts[0]?.request.steps.filter((step) => step.kind === 'result') ?? []
    expect(results.find(({ call }) => call === '2')?.text).toContain('outcome of this call is unknown')
  })
})

test('a call has an id of its own, and the same one when it is done again after a crash', async () => {
  const { house, look, write } = await houseWith({ agents: { cfo: { approval: { write: 'allow' } } } })
  await house.says('a', 'do it')
  await house.thoughts[0]?.asks(LOOK, WRITE)
  house.kill()
  const { house: next, look: again } = await houseWith({ store: house.store })
  expect(again.calls.map(({ id }) => id)).toEqual(look.calls.map(({ id }) => id))
  again.calls[0]?.resolve('nothing')
  await settled()
  // Some models number their calls anew with each answer, and a new data folder its turns.
  await next.world.advance(1)
  await next.thoughts[0]?.asks(LOOK)
  const ids = [...write.calls, ...again.calls].map(({ id }) => id)
  expect(new Set(ids).size).toBe(3)
})

describe('approval', () => {
  test('S39: the prompt shows exactly what will run; /approve goes on with that very run', async () => {
    const { house, write } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    expect(write.calls).toHaveLength(0)
    expect(sent(house)[0]).toBe(
      'cfo asks to use write:\n```\n{\n  "text": "x"\n}\n```\n/approve 1-1 or /deny 1-1; without an answer in 5 minutes it is not done.',
    )
    await house.says('a', '/approve')
    expect(sent(house)[1]).toBe('Approved: write (1-1).')
    expect(write.calls).toHaveLength(1)
    write.calls[0]?.resolve('written')
    await settled()
    await house.thoughts[1]?.answer('Done.')
    expect(sent(house)[2]).toBe('Done.')
  })

  test('S39: /deny tells the model so, and the tool is never called', async () => {
    const { house, write } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    await house.says('a', '/deny 1-1')
    expect(write.calls).toHaveLength(0)
    expect(house.thoughts[1]?.request.steps.at(-1)).toMatchObject({ kind: 'result', failed: true })
  })

  test('S39: the deadline is a no', async () => {
    const { house, write } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    await house.world.advance(300_000)
    expect(house.thoughts[1]?.request.steps.at(-1)).toMatchObject({ text: 'Not done: nobody approved it in time.' })
    expect(write.calls).toHaveLength(0)
    await house.says('a', '/approve 1-1')
    expect(sent(house).at(-1)).toBe('There is nothing to approve.')
  })

  test('S40: of two that wait the answer decides the one that it names', async () => {
    const { house, write } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE, { ...WRITE, id: '3', input: { text: 'y' } })
    await house.says('a', '/approve')
    expect(sent(house).at(-1)).toBe('Several approvals wait. Say /approve with one of: 1-1 (write), 1-2 (write).')
    await house.says('a', '/approve 1-2')
    await house.says('a', '/deny 1-1')
    expect(write.calls.map(({ input }) => input)).toEqual([{ text: 'y' }])
  })

  test('S40: ordinary text during the wait is queued, and its sender reminded', async () => {
    const { house } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    await house.says('a', 'and then?')
    expect(sent(house).at(-1)).toBe('Your message waits: first somebody has to decide about 1-1 (write).')
    await house.says('a', '/deny')
    await house.thoughts[1]?.answer('Not done.')
    expect(house.thoughts[2]?.request.messages.map(({ text }) => text)).toEqual(['and then?'])
  })

  test('who may not approve is told so, and nothing is decided', async () => {
    const { house, write } = await houseWith({ agents: { cfo: { approvers: ['@boss'] } } })
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    await house.says('a', '/approve')
    expect(sent(house).at(-1)).toBe('You may not decide this. It waits for somebody who may.')
    await house.says('a', '/approve', { sender: { id: '7', name: null, handle: '@Boss' } })
    expect(write.calls).toHaveLength(1)
  })

  test('S39: after a restart a waiting approval still waits, and its prompt is not sent again', async () => {
    const { house } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    house.kill()
    const { house: next, write } = await houseWith({ store: house.store })
    expect([next.thoughts.length, write.calls.length, sent(next).length]).toEqual([0, 0, 0])
    await next.says('a', '/approve 1-1', { platformMessageId: 'later' })
    expect(write.calls).toHaveLength(1)
  })

  test('S39: a decision that was made before a crash holds after it', async () => {
    const { house } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE, { ...WRITE, id: '3' })
    await house.says('a', '/approve 1-1')
    house.kill()
    const { house: next, write } = await houseWith({ store: house.store })
    await next.says('a', '/deny', { platformMessageId: 'later' })
    expect(sent(next)).toEqual(['Denied: write (1-2).'])
    expect(write.calls).toHaveLength(1)
  })

  test('S39: /stop ends the wait, and the tool is never called', async () => {
    const { house, write } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    await house.says('a', '/stop')
    await house.says('a', '/approve 1-1')
    expect(sent(house).slice(1)).toEqual(['Stopped.', 'There is nothing to approve.'])
    expect(write.calls).toHaveLength(0)
  })

  test('S39 S44: a drain is a no; the run goes on and answers', async () => {
    const { house, write } = await houseWith()
    await house.says('a', 'do it')
    await house.thoughts[0]?.asks(WRITE)
    house.gateway.send({ type: 'drain' })
    await settled()
    await house.thoughts[1]?.answer('I could not.')
    expect(sent(house).at(-1)).toBe('I could not.')
    expect(write.calls).toHaveLength(0)
  })
})

describe('/compact', () => {
  test('the history becomes its summary; the transcript keeps everything', async () => {
    const house = await openHouse()
    await house.says('a', 'I have 40 euros')
    await house.thoughts[0]?.answer('Noted.')
    await house.says('a', '/compact')
    expect(house.thoughts[1]?.request.history).toHaveLength(2)
    await house.thoughts[1]?.answer('Anna has 40 euros.')
    expect(sent(house).at(-1)).toBe('The history is summarised now:\n\nAnna has 40 euros.')
    await house.says('a', 'how much?')
    expect(house.thoughts[2]?.request.history.map(({ role, text }) => [role, text])).toEqual([
      ['user', 'What was said before, in short:\n\nAnna has 40 euros.'],
    ])
    expect((await house.store.transcript('a/c1')).map(({ role }) => role)).toEqual(['user', 'assistant', 'summary'])
  })

  test('during a run it is refused and says why; with nothing to summarise it says so', async () => {
    const house = await openHouse()
    await house.says('a', '/compact')
    expect(sent(house).at(-1)).toBe('I could not answer: there is nothing to summarise')
    await house.says('a', 'hello')
    await house.says('a', '/compact')
    expect(sent(house).at(-1)).toContain('Not now: a run is in progress.')
    expect(house.thoughts).toHaveLength(1)
  })
})

describe('/memory', () => {
  const openMind = async (memory: boolean) => {
    const store = openMemoryStore({ world: testWorld() })
    const notes = {
      list: store.notes,
      add: store.addNote,
      remove: store.removeNote,
    }
    const agents = { cfo: { tools: memory ? ['memory'] : [], instructions: 'Be brief.' } }
    const house = await openHouse({ store, agents, tools: { memory: testTool('memory') }, notes })
    await store.addNote('cfo', 'a/1', 'likes euros')
    await store.addNote('cfo', 'a/2', 'of somebody else')
    return { house, store }
  }

  test('lists what the agent noted about whoever asks, also during a run, and forgets one by its number', async () => {
    const { house, store } = await openMind(true)
    await house.says('a', 'hello')
    await house.says('a', '/memory')
    expect(sent(house)).toEqual(['I have one note about you:\n1. likes euros\n/memory forget NUMBER removes one.'])
    await house.thoughts[0]?.answer('Hello.')
    await house.says('a', '/memory forget 1')
    await house.says('a', '/memory forget 1')
    expect(sent(house).slice(2)).toEqual(['Note 1 is forgotten.', 'There is no note 1. /memory lists them.'])
    expect(await store.notes('cfo', 'a/2')).toHaveLength(1)
    expect(await store.unfinished('a', 0, 9)).toEqual([])
  })

  test('the model is told the notes about the person whom it answers, and no others', async () => {
    const { house } = await openMind(true)
    await house.says('a', 'hello')
    expect(house.thoughts[0]?.instructions).toMatch(/^Be brief\.\n\nYour notes [^]*\n1\. likes euros$/)
  })

  test('an agent that keeps no notes says so, and its model is told none', async () => {
    const { house } = await openMind(false)
    await house.says('a', '/memory')
    expect(sent(house)).toEqual(['This agent keeps no notes.'])
    await house.says('a', 'hello')
    expect(house.thoughts[0]?.instructions).toBe('Be brief.')
  })
})
