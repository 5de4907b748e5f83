// Secrets: a marker goes in through every door of a whole house, and the wire is searched for it.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { UNLISTED } from '../../src/inspect/shape.ts'
import { createTransitions } from '../../src/inspect/transitions.ts'
import { actorsPage } from '../../src/inspect/tree.ts'
import { UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import { type House, openHouse } from '../support/house.ts'
import { settled, silentLog } from '../support/world.ts'
import { clientOf, type Heard, inspectorOf, relayOf } from './support.ts'

/** Of what people and models say, and of a failure that is told to its sender; with texts on they are shown. */
const SAID = [
  'text',
  'queued',
  'steered',
  'name',
  'handle',
  'sender',
  'messageId',
  'album',
  'answer',
  'command',
  'model',
  'failure',
]

/** Of what no inspector is ever told. */
const KEPT = ['instructions', 'token', 'gatewayToken', 'apiRoot', 'allowed', 'defect', 'broken', 'unsent', 'disk']

const marker = (door: string): string => `marker${door}7f3a`

/** Every door is used; what leaves is in the two wires, and in what the console is told. */
async function wires(): Promise<{ silent: string; speaking: string; console: string; heard: Heard[] }> {
  let diskFails = false
  const house = await openHouse({
    gateway: { token: { secret: marker('gatewayToken') } },
    channels: {
      cfo: {
        token: { secret: marker('token') },
        apiRoot: `https://${marker('apiRoot')}@127.0.0.1`,
        allowedUsers: [marker('allowed')],
        groupPolicy: 'respond_all',
      },
    },
    wrap: (store) => ({
      ...store,
      commit: (commit) => (diskFails ? Promise.reject(new Error(marker('disk'))) : store.commit(commit)),
    }),
  })
  for (const agent of Object.values(house.gateway.getSnapshot().context.definition.agents)) {
    Object.assign(agent, { instructions: marker('instructions') })
  }
  const silent = await clientOf(await relayOf(inspectorOf(house)))
  const speaking = await clientOf(await relayOf(inspectorOf(house, { texts: true })))

  const told = followed(house)

  const person = { id: marker('sender'), name: marker('name'), handle: `@${marker('handle')}` }
  const from = { sender: person, kind: 'group', platformMessageId: marker('messageId') } as const
  await house.says('cfo', marker('text'), from)
  await house.says('cfo', `/queue ${marker('queued')}`, { sender: person })
  await house.says('cfo', `/steer ${marker('steered')}`, { sender: person })
  await house.says('cfo', `/${marker('command')}`)
  const names = { reference: marker('reference'), name: marker('fileName'), mediaType: marker('mediaType') }
  const attachments = [{ ...UNKNOWN_ATTACHMENT, kind: 'document' as const, ...names }]
  await house.says('cfo', 'a photo', { album: marker('album'), attachments, conversation: 'c2' })
  await house.thoughts.at(-1)?.answer(marker('answer'))
  house.platform('cfo').nextSend.push(() => Promise.reject(new Error(marker('unsent'))))
  const unsent = {
    kind: 'retryable',
    reason: 'unavailable',
    message: marker('unsent'),
    remedy: marker('unsent'),
  } as const
  house.platform('cfo').nextSend.push(() => Promise.reject(new FailureError(unsent)))
  await house.thoughts.at(-1)?.answer(marker('answer'))
  await house.thoughts
    .at(-1)
    ?.fail(new FailureError({ kind: 'permanent', reason: 'refused', message: marker('failure') }))
  await house.world.advance(6_000)

  // A defect names itself after the secret, too.
  const defect = Object.assign(new Error(marker('defect'), { cause: marker('defect') }), { name: marker('defect') })
  for (const text of ['one that breaks', 'and another']) {
    await house.says('cfo', text, { conversation: 'c3' })
    await house.thoughts.at(-1)?.fail(defect)
    await house.world.advance(5_000)
  }
  diskFails = true
  await house.says('cfo', '/help', { conversation: 'c4' })
  await house.says('cfo', marker('model'), { conversation: 'c5' })
  await house.thoughts.at(-1)?.answer('lost on the way')
  diskFails = false
  await house.world.advance(60_000)
  await house.platform('cfo').breaks(new FailureError({ ...unsent, message: marker('broken') }))
  await house.world.advance(5_000)
  await house.platform('cfo').breaks(new Error(marker('broken')))
  await house.world.advance(60_000)
  house.gateway.send({ type: 'drain' })
  await house.world.advance(30_000)
  await settled()
  await Promise.all([silent.caughtUp(), speaking.caughtUp()])
  house.kill()
  // Who comes later is shown the living, and the past.
  const later = await clientOf(await relayOf(inspectorOf(house)))
  return {
    silent: [...silent.raw, ...later.raw].join('\n'),
    speaking: speaking.raw.join('\n'),
    console: told.join('\n'),
    heard: silent.heard,
  }
}

/** What the console is told of a few places, and the tree that it is shown. */
function followed(house: House): string[] {
  const told: string[] = []
  const transitions = createTransitions({ root: house.gateway, world: house.world, log: silentLog })
  const sessions = ['c1', 'c3', 'c4'].map((name) => `session:cfo%2F${name}`)
  const below = ['partition:0', 'partition:0/delivery:c1'].map((place) => `channel:cfo/${place}`)
  const leaving = new AbortController()
  for (const place of ['gateway', 'channel:cfo', ...below, ...sessions, 'session:cfo%2Fc1/run']) {
    void transitions.follow(place, ({ data }) => void told.push(data), leaving.signal)
  }
  const tree = actorsPage(house.gateway, { under: 'gateway', search: ':', offset: 0, limit: 100 })
  told.push(JSON.stringify(tree))
  return told
}

let once: ReturnType<typeof wires> | null = null

function left(): ReturnType<typeof wires> {
  once ??= wires()
  return once
}

const found = (wire: string, doors: readonly string[]): string[] =>
  doors.filter((door) => wire.toLowerCase().includes(marker(door).toLowerCase()))

test('A3: nothing secret and nothing private leaves through the inspector', async () => {
  const { silent } = await left()
  expect(found(silent, [...SAID, ...KEPT])).toEqual([])
  expect(silent).not.toContain('marker')
})

test('A3: with texts on, what people say leaves and no secret does', async () => {
  const { speaking } = await left()
  expect(found(speaking, KEPT)).toEqual([])
})

test('A3: the console is told what people say and no secret', async () => {
  const { console: told } = await left()
  expect(found(told, KEPT)).toEqual([])
  expect(found(told, ['text', 'queued', 'answer', 'sender']).sort()).toEqual(['answer', 'queued', 'sender', 'text'])
})

test('the search catches a relay that forgets to redact', async () => {
  const { speaking } = await left()
  expect(found(speaking, SAID).sort()).toEqual([...SAID].sort())
})

test('every door was used: what came in through it shows by its place', async () => {
  const { silent, heard } = await left()
  const types = new Set(heard.map(({ event }) => event?.type))
  for (const type of [
    'message.accepted',
    'message.route',
    'message.routed',
    'outbox.routed',
    'record.failed',
    'connection.ended',
    'xstate.done.actor.prepare',
    'xstate.done.actor.think',
    'xstate.done.actor.look',
    'xstate.error.actor.think',
    'xstate.error.actor.send',
    'xstate.error.actor.session:cfo/c3',
    'xstate.error.actor.commit',
    'xstate.promise.reject',
    'xstate.done.actor.recovery:cfo/c3',
    'child.rested',
    'drain',
  ]) {
    expect(types, type).toContain(type)
  }
  expect(silent).toContain('"error":{"name":"FailureError","reason":"unavailable"}')
  expect(silent).toContain('"error":{"name":"Error"}')
  expect(silent).toContain('"text":"[text]"')
})

test('the vocabulary knows every part of every context and message', async () => {
  const { heard } = await left()
  expect(heard.filter((message) => JSON.stringify(message).includes(UNLISTED))).toEqual([])
})
