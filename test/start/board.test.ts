// Board: what is known of channels and agents at this moment, with the phase of a start in which a channel is stuck.

import { expect, test } from 'vitest'
import type { Failure } from '../../machines/failure.ts'
import type { GatewayContext } from '../../machines/gateway-context.ts'
import { createBoard } from '../../src/start/board.ts'
import { testDefinition } from '../support/house.ts'
import { silentLog, testWorld } from '../support/world.ts'

const REFUSED: Failure = {
  kind: 'permanent',
  reason: 'unauthorized',
  message: 'the token was refused',
  phase: 'connect',
}
const AWAY: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the model is away', remedy: 'ask again' }

test('C3: a channel that has not come to its end has the phase in its reason and beside it; one that was live has none', () => {
  const { board } = rig()
  board.onReport({ id: 'a', state: 'failed', failure: REFUSED })
  const { phase: _, ...revoked } = REFUSED
  board.onReport({ id: 'b', state: 'failed', failure: revoked })
  expect(board.channels()).toMatchObject([
    { id: 'a', state: 'failed', reason: 'connect: the token was refused', phase: 'connect' },
    { id: 'b', state: 'failed', reason: 'the token was refused', phase: null },
  ])
})

test('an agent that could not answer is named until it answers, with the time of the first of several failures', async () => {
  const { board, world } = rig()
  const sinceMs = world.nowMs()
  board.onAnswer('cfo', AWAY)
  await world.advance(5_000)
  board.onAnswer('cfo', AWAY)
  board.onAnswer('gone', AWAY)
  const since = new Date(sinceMs).toISOString()
  expect(board.agents()).toEqual([{ id: 'cfo', reason: 'the model is away. ask again.', since }])
  board.onAnswer('cfo', null)
  expect(board.agents()).toEqual([])
})

function rig() {
  const world = testWorld()
  const definition = testDefinition({ channels: { a: {}, b: {} } })
  // As much of the root's context as a board looks at.
  const context = { definition, adoptions: {}, leaving: {} } as Partial<GatewayContext> as GatewayContext
  return { world, board: createBoard({ root: () => context, world, log: silentLog }) }
}
