// The end of a start, through the real binary: signals, deadlines and defects.

import { expect, test } from 'vitest'
import { begin, folderWith, post, type Ran, TWO, until } from './child.ts'

const SECRET = 'very-secret-value-of-a-token'

const BUSY_MS = 1_500

test('S44 a run that does not end: drained by the deadline, and 0', async () => {
  const slow = TWO.replace('500ms', '300ms').replace('model: echo', 'model: { provider: echo, delay: 60s }')
  const gateway = begin(['start'], { folder: folderWith({ 'gateway.yaml': slow }) })
  const url = await gateway.address()
  await post(url, 'cfo', 'hello')
  await runs(url)
  const beganAt = performance.now()
  gateway.process.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 0 })
  expect(performance.now() - beganAt).toBeLessThan(300 + 3_000)
})

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('the second %s stops at once, with %d', async (signal, code) => {
  const slow = TWO.replace('500ms', '60s').replace('model: echo', 'model: { provider: echo, delay: 60s }')
  const gateway = begin(['start'], { folder: folderWith({ 'gateway.yaml': slow }) })
  const url = await gateway.address()
  await post(url, 'cfo', 'hello')
  await runs(url)
  gateway.process.kill(signal)
  await gateway.prints(/^Draining: /m)
  gateway.process.kill(signal)
  expect(await gateway.ended).toMatchObject({ code })
})

test.each([
  ['SIGTERM', 'src/config/load.ts', 'ends it: 0, and nothing was started', 0, 'Stopped before anything was started.\n'],
  ['SIGHUP', 'src/main.ts', 'ends nothing: the file is read, and is wrong', 78, ''],
])('%s while %s is being loaded %s', async (signal, file, _, code, out) => {
  const sending = `import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) {
      if (url.endsWith('/${file}')) process.kill(process.pid, '${signal}')
      return next(url, context)
    } })`
  const folder = folderWith({ 'gateway.yaml': 'agents: none', 'sending.mjs': sending })
  expect(await begin(['start'], { folder, preload: './sending.mjs' }).ended).toMatchObject({ code, out })
})

test.each([
  ['nothing is left open when it has stopped', '', true],
  ['a timer that nobody cleared is found', 'setTimeout(() => {}, 60_000)\n', false],
])('%s', async (_, leftOpen, ends) => {
  // Only a process that has nothing open any more comes to this; one that is ended by `process.exit` does not.
  const saying = `${leftOpen}process.on('beforeExit', () => process.stderr.write('there was nothing to wait for'))`
  const gateway = begin(['start'], {
    folder: folderWith({ 'gateway.yaml': TWO, 'saying.mjs': saying }),
    preload: './saying.mjs',
  })
  const url = await gateway.address()
  await post(url, 'cfo', 'hello')
  await gateway.prints(/^2 of 2/m)
  gateway.process.kill('SIGTERM')
  const { code, err } = await gateway.ended
  expect({ code, ends: err.includes('there was nothing to wait for') }).toEqual({ code: 0, ends })
})

test('S44 whatever hangs, it ends by drain + 3 s', async () => {
  const hanging = "import { Server } from 'node:http'\nServer.prototype.close = function () { return this }"
  const folder = folderWith({ 'gateway.yaml': TWO.replace('500ms', '100ms'), 'hanging.mjs': hanging })
  const gateway = begin(['start'], { folder, preload: './hanging.mjs' })
  await gateway.prints(/^2 of 2/m)
  const beganAt = performance.now()
  gateway.process.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 70, out: expect.not.stringContaining('Stopped.') })
  // It gives up after 2.9 s by its own clock; what a busy machine takes to tell it the signal, and us its end, is not its.
  expect(performance.now() - beganAt).toBeLessThan(100 + 3_000 + BUSY_MS)
})

test('A3: a defect ends with 70, in a plain sentence, and no secret leaves with it', async () => {
  const { code, out, err } = await defect([])
  expect(code).toBe(70)
  expect(err).toMatch(/^troupe was stopped by a defect of its own \(TypeError\)/m)
  expect(err).not.toMatch(/^ +at /m)
  expect(err).toContain('[secret]')
  expect(out + err).not.toContain(SECRET)
})

test('A3: with --debug a defect shows its stack, and no secret', async () => {
  const { code, out, err } = await defect(['--debug'])
  expect(code).toBe(70)
  expect(err).toMatch(/^TypeError: the token is \[secret\]\n +at /m)
  expect(out + err).not.toContain(SECRET)
})

/** A start in which something throws that nobody foresaw, with a secret in its message. */
async function defect(args: readonly string[]): Promise<Ran> {
  const throwing = `process.on('SIGUSR2', () => { throw new TypeError('the token is ${SECRET}') })`
  const file = TWO.replace('port: 0', 'port: 0\n  token: ${T}')
  const folder = folderWith({ 'gateway.yaml': file, 'throwing.mjs': throwing })
  const gateway = begin(['start', ...args], { folder, environment: { T: SECRET }, preload: './throwing.mjs' })
  await gateway.prints(/^Console page/m)
  gateway.process.kill('SIGUSR2')
  return gateway.ended
}

function runs(url: string): Promise<void> {
  return until(async () => {
    const status = JSON.parse(await (await fetch(`${url}/status`)).text())
    return status.sessions.running === 1
  })
}
