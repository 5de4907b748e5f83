// Broken machines: one place is another, and nothing else. A suite that is to catch one must not catch it for something else.

import { expect, test } from 'vitest'
import { createActor, setup } from 'xstate'
import { withChanged, withoutAction } from './broken.ts'

const said: string[] = []
const machine = setup({
  actions: { say: () => void said.push('said'), nod: () => void said.push('nodded') },
}).createMachine({
  initial: 'a',
  states: {
    a: {
      on: {
        go: [
          { guard: () => false, target: 'b' },
          { target: 'c', actions: ['say', 'nod'] },
        ],
      },
    },
    b: {},
    c: {},
  },
})
const BRANCHES = ['states', 'a', 'on', 'go']

function ended(made: typeof machine): { value: unknown; said: string[] } {
  said.length = 0
  const actor = createActor(made).start()
  actor.send({ type: 'go' })
  return { value: actor.getSnapshot().value, said: [...said] }
}

test('a place that is replaced by what stands there breaks nothing', () => {
  expect(ended(withChanged(machine, [...BRANCHES, '1', 'target'], 'c'))).toEqual({
    value: 'c',
    said: ['said', 'nodded'],
  })
})

test('a branch among several is another, and the others stay', () => {
  expect(ended(withChanged(machine, [...BRANCHES, '1', 'target'], 'b'))).toEqual({
    value: 'b',
    said: ['said', 'nodded'],
  })
})

test('an action is gone, and the others stay', () => {
  expect(ended(withoutAction(machine, [...BRANCHES, '1', 'actions'], 'say'))).toEqual({ value: 'c', said: ['nodded'] })
})

test('what is not there cannot be taken away', () => {
  expect(() => withoutAction(machine, [...BRANCHES, '1', 'actions'], 'shout')).toThrow('does not shout')
  expect(() => withChanged(machine, ['states', 'd'], {})).toThrow('no d there')
})
