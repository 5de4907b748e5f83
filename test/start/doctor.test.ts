// Doctor: what a probe says that fails in a way that nobody foresaw.

import { expect, test } from 'vitest'
import { probe } from '../../src/start/doctor.ts'
import { realWorld } from '../../src/world.ts'
import { loaded } from '../config/support.ts'
import { silentLog } from '../support/world.ts'

test('A3: a defect is told in its own words, without a secret, and stops no other probe', async () => {
  const SECRET = '123456789:AAabcdefghijklmnopqrstuvwxyz0123456'
  const file = `agents: { cfo: { model: echo } }\nchannels: { web: { platform: web, agent: cfo } }\ngateway: { token: "${SECRET}" }\n`
  const nowMs = (): number => {
    throw new TypeError(`no clock for ${SECRET}`)
  }
  const world = { ...realWorld({}), nowMs }
  const place = { host: '127.0.0.1', port: 0, data: '/nowhere', gateway: 'runs' } as const
  const probed = await probe({ loaded: loaded(file), world, log: silentLog, ...place })
  const [clock, ...others] = probed
  expect(clock).toMatchObject({
    about: 'clock',
    failure: { kind: 'defect', message: 'an internal error (TypeError: no clock for [secret])' },
  })
  expect(others.find(({ about }) => about === 'channel web')?.failure).toBeNull()
})
