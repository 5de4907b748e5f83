// The route of the inspector: opened, changed and ended over the port, and how it says no.

import { afterEach, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { ask, closeAll, start } from './client.ts'

afterEach(closeAll)

const error = (code: string) => ({ error: { code, message: expect.stringMatching(/\S.*[.;]/) } })

test('/inspect opens with 201, changes with 200, and takes a body that is not there', async () => {
  const { server, gateway } = await start()
  const url = `${server.url}/inspect`
  expect(await ask(url, { method: 'POST' })).toMatchObject({
    status: 201,
    body: { url: 'http://127.0.0.1:1/', page: 'https://page', watch: 'everything', texts: false, outcome: 'opened' },
  })
  const wish = { watch: 'session:a/c', texts: true }
  expect(await ask(url, { json: wish })).toMatchObject({ status: 200, body: { ...wish, outcome: 'changed' } })
  expect(await ask(url, { json: {} })).toMatchObject({ status: 200 })
  expect(await ask(url, { method: 'DELETE' })).toMatchObject({ status: 200, body: { ended: true } })
  expect(gateway.calls).toEqual(['inspect {}', `inspect ${JSON.stringify(wish)}`, 'inspect {}', 'endInspection'])
})

test.each([
  [{ watch: 1 }, 400, 'bad_type'],
  [{ watch: '' }, 400, 'bad_value'],
  [{ watch: 'x'.repeat(9_000) }, 400, 'too_long'],
  [{ texts: 'yes' }, 400, 'bad_type'],
  [{ channel: 'a' }, 400, 'unknown_key'],
])('/inspect refuses %j by name and opens nothing', async (json, status, code) => {
  const { server, gateway } = await start()
  expect(await ask(`${server.url}/inspect`, { json })).toMatchObject({ status, body: error(code) })
  expect(gateway.calls).toEqual([])
})

test('/inspect says with 404 what there is to watch, and with 503 that the gateway is stopping', async () => {
  const { server, gateway } = await start()
  const failing = (reason: 'notFound' | 'unavailable') =>
    gateway.failures.set('inspect', new FailureError({ kind: 'permanent', reason, message: 'no such thing.' }))
  failing('notFound')
  expect(await ask(`${server.url}/inspect`, { json: {} })).toMatchObject({ status: 404, body: error('not_found') })
  failing('unavailable')
  expect(await ask(`${server.url}/inspect`, { json: {} })).toMatchObject({ status: 503, body: error('unavailable') })
})
