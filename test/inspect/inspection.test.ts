// An inspection: opened on a gateway that runs, changed by the next wish, ended by a word or with the gateway.

import { expect, onTestFinished, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { createInspection, type Inspection } from '../../src/start/inspection.ts'
import { realWorld } from '../../src/world.ts'
import { silentLog } from '../support/world.ts'
import { clientOf, converse, namesOf, openHouseOfTwo } from './support.ts'

async function inspectionOfTwo(): Promise<{
  inspection: Inspection
  house: Awaited<ReturnType<typeof openHouseOfTwo>>
}> {
  const house = await openHouseOfTwo()
  const channels = () => ['cfo', 'ops']
  const inspection = createInspection({ root: house.gateway, channels, world: realWorld({}), log: silentLog })
  onTestFinished(() => inspection.close())
  return { inspection, house }
}

test('opened on a gateway that runs already, its page knows what is watched', async () => {
  const { inspection } = await inspectionOfTwo()
  const view = await inspection.open({ watch: 'ops', texts: true })
  const page = 'https://stately.ai/inspect'
  expect(view).toEqual({ url: expect.any(String), page, watch: 'channel:ops', texts: true, outcome: 'opened' })
  expect(namesOf((await clientOf(view)).heard)).toEqual(['channel:ops', 'connection'])
  const said: unknown = await (await fetch(new URL('view.json', view.url))).json()
  expect(said).toEqual({ page, watch: 'channel:ops', texts: true })
})

test('asked again without a wish it says what it shows; asked again with one it changes that, at the same address', async () => {
  const { inspection, house } = await inspectionOfTwo()
  const { url } = await inspection.open({ watch: 'cfo', texts: true })
  const before = await clientOf({ url })
  for (const wish of [{}, { watch: 'channel:cfo' }, { texts: true }]) {
    expect(await inspection.open(wish)).toMatchObject({ url, watch: 'channel:cfo', texts: true, outcome: 'unchanged' })
  }
  expect(before.socket.readyState).toBe(before.socket.OPEN)

  const change = { url, watch: 'channel:ops', texts: true, outcome: 'changed' }
  expect(await inspection.open({ watch: 'ops' })).toMatchObject(change)
  expect(await before.closed).toBe(1012)
  const heard = before.heard.length
  const after = await clientOf({ url })
  await converse(house, 'cfo')
  await converse(house, 'ops')
  await after.caughtUp()
  expect(namesOf(after.heard)).toContain('session:ops/c1')
  expect(namesOf(after.heard)).not.toContain('session:cfo/c1')
  expect(before.heard).toHaveLength(heard)
  expect(await (await fetch(new URL('view.json', url))).json()).toMatchObject({ watch: 'channel:ops' })
  expect(await inspection.open({ watch: 'everything', texts: false })).toMatchObject({
    watch: 'everything',
    texts: false,
  })
  expect(namesOf((await clientOf({ url })).heard)).toContain('gateway')
})

test('A3: texts that are hidden again are in nothing that a newcomer is shown', async () => {
  const { inspection, house } = await inspectionOfTwo()
  const { url } = await inspection.open({ texts: true })
  const speaking = await clientOf({ url })
  await converse(house, 'cfo', 'a private word')
  await speaking.caughtUp()
  expect(speaking.raw.join()).toContain('a private word')
  await inspection.open({ texts: false })
  expect((await clientOf({ url })).raw.join()).not.toContain('a private word')
})

test('two wishes at once open one relay', async () => {
  const { inspection } = await inspectionOfTwo()
  const [first, second] = await Promise.all([inspection.open({ watch: 'cfo' }), inspection.open({ watch: 'ops' })])
  expect(second).toMatchObject({ url: first.url, outcome: 'changed', watch: 'channel:ops' })
})

test('a name that is not there is refused, and changes nothing', async () => {
  const { inspection } = await inspectionOfTwo()
  await expect(inspection.open({ watch: 'nobody' })).rejects.toThrow('There is no channel "nobody" to inspect.')
  expect(await inspection.end()).toBe(false)
  await inspection.open({ watch: 'ops' })
  await expect(inspection.open({ watch: 'nobody', texts: true })).rejects.toThrow(FailureError)
  expect(await inspection.open({})).toMatchObject({ watch: 'channel:ops', texts: false, outcome: 'unchanged' })
})

test('ended it says goodbye and forgets; opened again it shows everything, without texts', async () => {
  const { inspection } = await inspectionOfTwo()
  const client = await clientOf(await inspection.open({ watch: 'ops', texts: true }))
  expect(await inspection.end()).toBe(true)
  expect(await client.closed).toBe(1001)
  expect(await inspection.end()).toBe(false)
  expect(await inspection.open({})).toMatchObject({ watch: 'everything', texts: false, outcome: 'opened' })
})

test('I7: a gateway that ends closes what was being opened, and opens nothing more', async () => {
  const { inspection } = await inspectionOfTwo()
  const opening = inspection.open({})
  // It has begun, and waits for its library.
  await Promise.resolve()
  await inspection.close()
  await expect(clientOf(await opening)).rejects.toThrow('ECONNREFUSED')
  await expect(inspection.open({})).rejects.toThrow('is stopping')
})
