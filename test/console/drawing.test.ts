// Drawing: what the page is told of each statechart, held against the chart that runs.

import type { AnyStateNode } from 'xstate'
import { expect, test } from 'vitest'
import { channelMachine } from '../../machines/channel.ts'
import { deliveryMachine } from '../../machines/delivery.ts'
import { gatewayMachine } from '../../machines/gateway.ts'
import { partitionMachine } from '../../machines/partition.ts'
import { runMachine } from '../../machines/run.ts'
import { scheduleMachine } from '../../machines/schedule.ts'
import { sessionMachine } from '../../machines/session.ts'
import { type Drawing, drawingOf } from '../../src/start/drawing.ts'
import { machineNames } from '../../src/start/machines.ts'

const MACHINES = [
  gatewayMachine,
  channelMachine,
  partitionMachine,
  sessionMachine,
  runMachine,
  deliveryMachine,
  scheduleMachine,
]

function statesOf(state: AnyStateNode): readonly AnyStateNode[] {
  return [state, ...Object.values(state.states).flatMap(statesOf)]
}

/** Throws where a state or a transition of the chart is missing in its drawing, or one too many. */
function checkComplete(root: AnyStateNode, drawing: Drawing | null): void {
  const states = statesOf(root)
  expect(drawing?.states.map(({ id }) => id)).toEqual(states.map(({ path }) => path.join('.')))
  const wanted = states.flatMap((state) => {
    const transitions = [...(state.always ?? []), ...[...state.transitions.values()].flat()]
    return transitions.map(({ eventType, target }) => [
      state.path.join('.'),
      eventType,
      (target ?? [])[0]?.path.join('.') ?? null,
    ])
  })
  const arrows = drawing?.arrows.map(({ from, type, to }) => [from, type, to]) ?? []
  const stays = drawing?.states.flatMap(({ id, stays: all }) => all.map(({ type }) => [id, type, null])) ?? []
  expect([...arrows, ...stays].map((each) => each.join()).toSorted()).toEqual(
    wanted.map((each) => each.join()).toSorted(),
  )
}

test.each(MACHINES.map((machine) => [machine.id, machine] as const))(
  'every state and every transition of %s is drawn',
  (name, { root }) => {
    checkComplete(root, drawingOf(name))
  },
)

test('the check catches a drawing without one arrow, and one without a state', () => {
  const drawing = drawingOf('session') as Drawing // It is one of machineNames.
  expect(() => checkComplete(sessionMachine.root, { ...drawing, arrows: drawing.arrows.slice(1) })).toThrow()
  expect(() => checkComplete(sessionMachine.root, { ...drawing, states: drawing.states.slice(1) })).toThrow()
})

test('the words of an arrow are the chart’s; a compound state knows where it begins', () => {
  const { arrows, states } = drawingOf('session') as Drawing // As above.
  expect(arrows).toContainEqual(
    expect.objectContaining({ from: 'pending.waiting', to: 'pending.preparing', event: 'slot.granted' }),
  )
  expect(arrows.find(({ event }) => event === 'after gatherMsMax')?.type).toMatch(/^xstate\.after\.gatherMsMax/)
  expect(states.find(({ id }) => id === 'running')).toMatchObject({
    initial: expect.stringMatching(/^running\./),
    parent: '',
  })
  expect(machineNames.map(drawingOf)).not.toContain(null)
  expect(drawingOf('tea')).toBeNull()
})
