// Start: the gateway in the foreground, through the real binary: what it prints and what it refuses.

import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openOffline } from '../../src/start.ts'
import { realWorld } from '../../src/world.ts'
import { startBotApi } from '../support/bot-api/server.ts'
import { begin, folderWith, post, troupe, TWO, until } from './child.ts'

test('without a file it runs the demo workforce, says so, and ends with 0 at SIGTERM', async () => {
  const folder = folderWith()
  const gateway = begin(['start', '--port', '0'], { folder })
  await gateway.prints(/^Console page: http:\/\/127\.0\.0\.1:\d+\/$/m)
  const url = await gateway.address()
  const statuses = await fetch(`${url}/status`)
  expect(await statuses.json()).toMatchObject({ state: 'serving', channels: [{}, {}, {}] })
  gateway.process.kill('SIGTERM')
  const { code, out, err } = await gateway.ended
  expect(code).toBe(0)
  expect(out).toContain('the demo workforce')
  expect(out).toContain('cfo, ops, content')
  expect(out).toMatch(/^ {2}cfo +live +web · cfo\n {2}ops +live +web · ops\n {2}content +live +web · content\n3 of 3 /m)
  expect(out).toContain('Draining: ')
  expect(out).toMatch(/Stopped\.\n$/)
  expect(out + err).not.toContain('\u001B')
  expect(out + err, 'the gateway’s own channel').not.toContain('@openai')
})

test('S04 a channel whose variable is missing is named with its reason, and the two others serve', async () => {
  const folder = folderWith({
    'gateway.yaml': `${TWO}  tg: { platform: telegram, agent: cfo, allowed_users: [1], token: "\${CFO_BOT_TOKEN}" }\n`,
  })
  const gateway = begin(['start'], { folder })
  const [text] = await gateway.prints(/^ {2}cfo [^]*^Console page/m)
  expect(text).toMatch(
    /^ {2}tg +failed +telegram · cfo\n2 of 3 channels live\n {2}tg is failed: .*CFO_BOT_TOKEN.*\.\n/m,
  )
  await post(await gateway.address(), 'ops', 'hello')
  gateway.process.kill('SIGINT')
  expect(await gateway.ended).toMatchObject({ code: 0, err: expect.stringContaining('CFO_BOT_TOKEN is not set') })
})

test('--strict ends with 1 when a channel is not live', async () => {
  const missing = { 'gateway.yaml': TWO.replace('Money.', '"${NO_SUCH}"') }
  const { code, out, err } = await troupe(['start', '--strict'], { folder: folderWith(missing) })
  expect(code).toBe(1)
  expect(out).toContain('1 of 2 channels live')
  expect(err).toContain('--strict')
})

test('the young generation stays small while it starts, and grows with the load from the roll call on', async () => {
  const told =
    "import v8 from 'node:v8'; import { syncBuiltinESMExports as sync } from 'node:module'; const set = v8.setFlagsFromString"
  const tells = 'v8.setFlagsFromString = (flag) => { console.log(flag); set(flag) }; sync()'
  const folder = folderWith({ 'gateway.yaml': TWO.replace('Money.', '"${NO_SUCH}"'), 'tells.mjs': `${told}; ${tells}` })
  const { out } = await troupe(['start', '--strict'], { folder, preload: join(folder, 'tells.mjs') })
  expect(out).toMatch(/^--semi-space-growth-factor=1\n[^]*Listening on [^]*^--semi-space-growth-factor=2\n[^]*1 of 2/m)
})

test('`npm start -- ARGS` is `troupe start ARGS`, and the SIGTERM that npm hands on reaches the gateway', async () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const folder = folderWith({ 'gateway.yaml': TWO })
  const gateway = begin(['--strict', '--config', join(folder, 'gateway.yaml')], { folder, script: scripts.start })
  await gateway.prints(/^2 of 2 channels live$/m)
  gateway.process.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 0, out: expect.stringMatching(/^Draining: [^]*Stopped\.\n$/m) })
})

test('the log is JSON lines on standard error, with the roll call in it; standard output is for people', async () => {
  const gateway = begin(['start', '--json-logs', '--port', '0'], { folder: folderWith() })
  await gateway.prints(/^Console page/m)
  gateway.process.kill('SIGTERM')
  const { out, err } = await gateway.ended
  const lines = err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: '3 of 3 channels live', rollCall: expect.arrayContaining([expect.anything()]) }),
  )
  expect(out).not.toContain('{"')
})

test('every problem at once on standard error, and 78', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO.replaceAll('platform: web', 'platform: wep') })
  const { code, out, err } = await troupe(['start'], { folder })
  expect({ code, out }).toEqual({ code: 78, out: '' })
  expect(err.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^gateway\.yaml:8:\d+ channels\.cfo\.platform: .*\(did you mean "web"\?\)$/),
    expect.stringMatching(/^gateway\.yaml:9:\d+ channels\.ops\.platform: .*\(did you mean "web"\?\)$/),
    'troupe: validate: the configuration has 2 problems, and nothing was started.',
  ])
})

test('a file that was asked for and is not there is a problem: no demo', async () => {
  const { code, err } = await troupe(['start', '--config', 'bots.yaml'], { folder: folderWith() })
  expect({ code, err }).toEqual({ code: 78, err: expect.stringMatching(/^bots\.yaml:1:1 \(file\): .*does not exist/) })
})

test('S06 a taken port ends with 75 and names the port', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  const { code, err } = await troupe(['start', '--port', String(port)], { folder: folderWith() })
  server.close()
  expect({ code, err }).toEqual({
    code: 75,
    err: expect.stringMatching(new RegExp(`^troupe: connect: Port ${port} .*taken`, 'm')),
  })
})

test('S06 a second gateway on the same data ends with 75 and names the first', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const first = begin(['start'], { folder })
  const url = await first.address()
  const { code, err } = await troupe(['start'], { folder })
  expect(code).toBe(75)
  expect(err).toContain(`process ${first.process.pid}`)
  expect(err).toContain(url)
  first.process.kill('SIGTERM')
  expect(await first.ended).toMatchObject({ code: 0 })
})

test('S06 a second gateway with the same token ends with 75 and names the channel and the first', async () => {
  const api = await startBotApi()
  const token = `700001:${'r'.repeat(35)}`
  api.addBot({ token, username: 'cfo_bot' })
  const tg = `  tg: { platform: telegram, agent: cfo, allowed_users: [1], token: "${token}", api_root: "${api.url}" }\n`
  const first = begin(['start'], { folder: folderWith({ 'gateway.yaml': TWO + tg }) })
  await first.prints(/^3 of 3/m)
  const { code, err } = await troupe(['start'], { folder: folderWith({ 'gateway.yaml': TWO + tg }) })
  expect(code).toBe(75)
  expect(err).toMatch(new RegExp(`^troupe: .* tg .*pid ${first.process.pid}`, 'm'))
  first.process.kill('SIGTERM')
  await first.ended
  await api.close()
})

test('S47 a store of a newer version is refused by name, with 78, and stays as it is', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  await openOffline(join(folder, '.troupe'), realWorld({})).close()
  const path = join(folder, '.troupe/troupe.db')
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 99; PRAGMA journal_mode = DELETE')
  database.close()
  const before = readFileSync(path)
  const { code, err } = await troupe(['start'], { folder })
  expect({ code, err }).toEqual({ code: 78, err: expect.stringContaining('version 99') })
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a data folder that is a file: a sentence, and 78', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO, data: '' })
  const { code, err } = await troupe(['start', '--data', 'data'], { folder })
  expect({ code, err }).toEqual({ code: 78, err: expect.stringMatching(/^troupe: store: A file and a folder/m) })
})

test('beyond this machine without a token: refused with 78, and nothing listens', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const { code, out, err } = await troupe(['start', '--host', '0.0.0.0'], { folder })
  expect({ code, out }).toEqual({ code: 78, out: '' })
  expect(err).toContain('gateway.token')
})

test('S05 reconnect reads the credentials again: a replaced token brings the channel back', async () => {
  const api = await startBotApi()
  const token = `700001:${'r'.repeat(35)}`
  api.addBot({ token, username: 'cfo_bot' })
  const folder = folderWith({
    '.env': `CFO_BOT_TOKEN=700001:${'w'.repeat(35)}\n`,
    'gateway.yaml': `${TWO}  tg: { platform: telegram, agent: cfo, allowed_users: [1], token: "\${CFO_BOT_TOKEN}", api_root: "${api.url}" }\n`,
  })
  const gateway = begin(['start'], { folder })
  await gateway.prints(/^2 of 3 channels live\n {2}tg is failed: .*refused by Telegram/m)
  const url = await gateway.address()
  writeFileSync(join(folder, '.env'), `CFO_BOT_TOKEN=${token}\n`)
  await fetch(`${url}/channels/tg/reconnect`, { method: 'POST' })
  await until(async () => (await fetch(`${url}/readyz`)).status === 200)
  gateway.process.kill('SIGTERM')
  const { code, out, err } = await gateway.ended
  await api.close()
  expect(code).toBe(0)
  expect(out + err).not.toMatch(/r{35}|w{35}/)
})

test('--inspect prints an address on this machine where the inspector’s page is', async () => {
  const gateway = begin(['start', '--port', '0', '--inspect=cfo'], { folder: folderWith() })
  const [, page = ''] = await gateway.prints(/Inspector: (http:\/\/127\.0\.0\.1:\d+\/?)\n/)
  const answer = await fetch(page)
  expect({ status: answer.status, text: await answer.text() }).toEqual({
    status: 200,
    text: expect.stringContaining('Stately inspector'),
  })
  gateway.process.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 0 })
})

test('--inspect with something that is not there is refused by name', async () => {
  const { code, err } = await troupe(['start', '--port', '0', '--inspect=nobody'], { folder: folderWith() })
  expect({ code, err }).toEqual({ code: 78, err: expect.stringContaining('nobody') })
})

test('a gateway outlives the reader of its standard output', async () => {
  const gateway = begin(['start', '--port', '0'], { folder: folderWith() })
  const url = await gateway.address()
  gateway.process.stdout?.destroy()
  await until(async () => (await fetch(`${url}/readyz`)).status === 200)
  gateway.process.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 0 })
})

test('S10 the user’s file is byte-identical afterwards', async () => {
  expect(await changes(undefined)).toBe(false)
})

test('S10 a start that wrote to the file would be noticed', async () => {
  expect(await changes('./writing.mjs')).toBe(true)
})

async function changes(preload: string | undefined): Promise<boolean> {
  const text = `# mine\r\n${TWO}\n\n# end`
  const writing = "import { appendFileSync } from 'node:fs'\nappendFileSync('gateway.yaml', ' ')"
  const folder = folderWith({ 'gateway.yaml': text, 'writing.mjs': writing })
  const gateway = begin(['start'], preload === undefined ? { folder } : { folder, preload })
  await gateway.prints(/^2 of 2/m)
  gateway.process.kill('SIGTERM')
  await gateway.ended
  return readFileSync(join(folder, 'gateway.yaml'), 'utf8') !== text
}
