// Needs: what tools must not see is named by absolute paths, whatever the user called the file; what is lacking is written into
// a new definition and not into the old one.

import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { withConstruction } from '../../src/start/construct.ts'
import { sayingLacks } from '../../src/start/hooks.ts'
import { hiddenFromTools, withLacks } from '../../src/start/needs.ts'
import { testAgent } from '../support/definitions.ts'
import { testDefinition } from '../support/house.ts'
import { silentLog, testWorld } from '../support/world.ts'

const LACK = { phase: 'requires', what: 'pandoc is not in PATH', remedy: 'Install it' } as const

test.each(['gateway.yaml', './gateway.yaml', resolve('gateway.yaml')])(
  'beside %s the variables are hidden too',
  (file) => {
    expect(hiddenFromTools(file, '/data')).toEqual([resolve('gateway.yaml'), resolve('.env'), '/data'])
  },
)

test('what the gateway itself lacks is its own: no agent lacks it', async () => {
  const hook = { kind: 'executable', path: '/no/such', timeoutMs: 1, onFailure: 'go_on' } as const
  const before = { ...testDefinition({}), hooks: { dead_letter: [hook] } }
  const after = await withLacks(before, testWorld())
  expect(after.lacking).toEqual([
    {
      phase: 'requires',
      what: 'the hook /no/such is not an executable file',
      remedy: expect.stringMatching(/^Put it/),
    },
  ])
  expect([after.agents, before.lacking]).toEqual([before.agents, []])
  const parts = { secret: () => '', world: testWorld(), log: silentLog }
  const module = { ...hook, kind: 'module', path: '/no/such.mjs' } as const
  const built = await withConstruction({ ...after, hooks: { 'gateway.start': [module] } }, parts)
  expect(built.lacking.map(({ phase }) => phase)).toEqual(['requires', 'construct'])
  expect([built, built.lacking, ...built.lacking].every(Object.isFrozen)).toBe(true)
})

test('it is said in the log once, and again after it was there', () => {
  const said: unknown[] = []
  const say = sayingLacks({ ...silentLog, error: (fields, line) => void said.push([fields, line]) })
  const [without, whole] = [{ ...testDefinition({}), lacking: [LACK] }, testDefinition({})]
  for (const definition of [without, without, whole, without]) expect(say(definition)).toBe(definition)
  const line = [{ phase: 'requires' }, 'requires: pandoc is not in PATH. Install it.']
  expect(said).toEqual([line, line])
})

test('A2: what an agent lacks stands in a definition of its own', async () => {
  const before = {
    ...testDefinition({}),
    agents: { cfo: testAgent('cfo', { requires: ['no-such'] }), ops: testAgent('ops') },
  }
  const after = await withLacks(before, testWorld())
  expect(after.agents['cfo']?.lacking).toMatchObject([{ what: 'no-such is not in PATH' }])
  expect(after.agents['ops']).toBe(before.agents.ops)
  expect(before.agents.cfo.lacking).toEqual([])
  expect([after, after.agents, after.agents['cfo'], after.agents['cfo']?.lacking].every(Object.isFrozen)).toBe(true)
})
