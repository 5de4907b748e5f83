// Needs: what tools must not see is named by absolute paths, whatever the user called the file; what is lacking is written into
// a new definition and not into the old one.

import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { hiddenFromTools, withLacks } from '../../src/start/needs.ts'
import { testAgent } from '../support/definitions.ts'
import { testDefinition } from '../support/house.ts'
import { testWorld } from '../support/world.ts'

test.each(['gateway.yaml', './gateway.yaml', resolve('gateway.yaml')])(
  'beside %s the variables are hidden too',
  (file) => {
    expect(hiddenFromTools(file, '/data')).toEqual([resolve('gateway.yaml'), resolve('.env'), '/data'])
  },
)

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
