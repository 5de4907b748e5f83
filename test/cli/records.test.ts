// Records: status, send, sessions, deadletters and pairing, through a running gateway and, without one, on its store.
// Both ways are held to the same expectations. There the gateway is the binary, and the commands run in this process, by the
// binary's own door (program.ts): to start one costs a third of a second. `status`, `send` and, end to end, others are the
// binary too.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { openOffline } from '../../src/start.ts'
import { realWorld } from '../../src/world.ts'
import { begin, folderWith, post, type Ran, type Running, troupe, TWO, until } from './child.ts'
import { runHere, testContext } from './context.ts'
import { type GatewayProcess, launch } from '../support/gateway-process.ts'
import type { Step } from '../../machines/steps.ts'
import { type Amount, dayOf } from '../../machines/usage.ts'

const TOKEN = 'a-token-of-this-test'

/** Its provider told what it read, and nobody the rest. */
const SPENT = {
  inputTokens: 1_200,
  outputTokens: 34,
  cost: 0.5,
  estimated: { inputTokens: 0, outputTokens: 34, cost: 0.1 },
}

const told = ({ inputTokens, outputTokens, cost }: Amount) => ({
  ...{ input_tokens: inputTokens, output_tokens: outputTokens, cost },
})
const USED = { runs: 1, ...told(SPENT), estimated: told(SPENT.estimated), speech_seconds: 80 }

/** A data folder with one answered message, one dead letter of each kind and one person who waits for a pairing. */
async function furnished(file: string): Promise<{ folder: string; code: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-records-'))
  writeFileSync(join(folder, 'gateway.yaml'), file)
  const store = openOffline(join(folder, '.troupe'), realWorld({}))
  const place = { channel: 'cfo', conversation: 'lobby', sessionKey: 'cfo/lobby' }
  const sender = { id: 'anna', name: 'Anna\u001B[2J', handle: null }
  const message = {
    kind: 'dm',
    text: 'hello',
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  } as const
  const accept = (platformMessageId: string) =>
    store.accept({ ...message, ...place, sender, platformMessageId, agent: 'cfo', command: null, journaled: true })
  const [first, second] = [await accept('1'), await accept('2')]
  await store.commit({
    ...place,
    settled: [
      { seq: first.seq, outcome: 'answered', reason: null },
      { seq: second.seq, outcome: 'dead', reason: 'it broke its session three times' },
    ],
    entries: [
      { role: 'user', turn: 't1', text: 'hello', sender },
      { role: 'assistant', turn: 't1', text: 'cfo heard: hello', sender: null, model: 'openai:a', spent: SPENT },
    ],
    replies: [],
    steps: STEPS.map((step) => ({ turn: 't1', step })),
    usage: [{ day: dayOf(Date.now()), agent: 'cfo', user: 'cfo/anna', runs: 1, ...SPENT, speechSeconds: 80.04 }],
  })
  const code = await store.pairingCode('cfo', { id: '77', name: 'Bert' })
  await store.close()
  return { folder, code }
}

const CALL = { id: 'c1', tool: 'shell', input: { command: 'ls' }, policy: 'ask', idempotent: false } as const

const STEPS: readonly Step[] = [
  { kind: 'answer', text: '', calls: [CALL], atMs: 0, seqs: [] },
  { kind: 'decision', call: 'c1', approved: true, by: '7' },
  { kind: 'result', call: 'c1', text: 'one\ntwo', failed: false },
]

const WAYS = ['through the gateway', 'on the store'] as const

async function commandIn(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return runHere([...args, '--config', join(folder, 'gateway.yaml')], environment)
}

describe.each(WAYS)('%s', (way) => {
  let folder: string
  let code: string
  let gateway: GatewayProcess | null = null
  const run = (...args: string[]): Promise<Ran> => commandIn(folder, args)

  // One for all: each asks for other records, and what a retry changes is asked for last.
  beforeAll(async () => {
    ;({ folder, code } = await furnished(TWO.replace('port: 0', `port: 0\n  token: ${TOKEN}`)))
    if (way === 'through the gateway') gateway = launch({ folder })
    await gateway?.rollCall()
  })

  afterAll(async () => {
    expect((await gateway?.stop())?.code ?? 0).toBe(0)
    rmSync(folder, { recursive: true })
  })

  test('sessions', async () => {
    const list = await run('sessions', 'list')
    expect(list).toMatchObject({ code: 0, err: '' })
    expect(list.out).toMatch(
      /^SESSION +AGENT +STATE +TURNS +WAITING +UPDATED\ncfo\/lobby +cfo +passivated +1 +0 +20\d\d-/,
    )
    const { sessions } = JSON.parse((await run('sessions', 'list', '--json')).out)
    expect(sessions).toEqual([expect.objectContaining({ key: 'cfo/lobby', agent: 'cfo', turns: 1, waiting: 0 })])
    const show = await run('sessions', 'show', 'cfo/lobby')
    expect(show.out.replace(/^\S+ /gm, '')).toContain('user Anna [2J: hello\n')
    expect(show.out).toContain('\n  asks for c1: shell {"command":"ls"}\n  c1: approved by 7\n  c1: one two\n')
    expect(show.out).toMatch(/\S+ assistant \(openai:a\): cfo heard: hello\n/)
    const used = '1,234 tokens (1,200 in, 34 out; 34 estimated) in 1 run, 80 s of speech, cost 0.50'
    expect(show.out).toContain(`\nUsed today (UTC): ${used}; in 30 days: ${used}\n`)
    const { key, transcript, usage } = JSON.parse((await run('sessions', 'show', 'cfo/lobby', '--json')).out)
    expect(key).toBe('cfo/lobby')
    expect(transcript).toEqual([
      expect.objectContaining({ role: 'user', text: 'hello', at: expect.stringMatching(/^20\d\d-.*Z$/) }),
      expect.objectContaining({ role: 'assistant', text: 'cfo heard: hello', model: 'openai:a', spent: SPENT }),
    ])
    expect(usage).toEqual({ today: USED, last_30_days: USED })
    const unknown = await run('sessions', 'show', 'cfo/nowhere')
    expect(unknown).toEqual({ code: 1, out: '', err: expect.stringContaining('There is no session "cfo/nowhere"') })
  })

  test('usage', async () => {
    const usage = await run('usage')
    expect(usage).toMatchObject({ code: 0, err: '' })
    const cells = '1 +1200 +34 +34 +80 +0.50 +1 +1200 +34 +34 +80 +0.50'
    expect(usage.out).toMatch(
      new RegExp(`^AGENT +RUNS TODAY .*COST *\ncfo +${cells}\n\nAGENT +PERSON .*\ncfo +cfo/anna +${cells}\n$`),
    )
    expect(JSON.parse((await run('usage', '--json')).out)).toEqual({
      agents: [{ agent: 'cfo', today: USED, last_30_days: USED }],
      users: [{ agent: 'cfo', user: 'cfo/anna', today: USED, last_30_days: USED }],
    })
  })

  test('pairing', async () => {
    expect((await run('pairing', 'list')).out).toMatch(new RegExp(`^cfo +77 +Bert +waits with code ${code} `, 'm'))
    expect(await run('pairing', 'approve', 'NOSUCH')).toMatchObject({ code: 1, out: '' })
    expect(await run('pairing', 'approve', code)).toMatchObject({ code: 0, out: 'Bert (77) may talk to cfo now.\n' })
    expect(JSON.parse((await run('pairing', 'list', '--json')).out)).toMatchObject({
      pairings: [{ channel: 'cfo', user: '77', code: null }],
    })
    expect(await run('pairing', 'revoke', 'cfo', '77')).toMatchObject({ code: 0 })
    expect(await run('pairing', 'revoke', 'cfo', '77')).toMatchObject({ code: 1, out: '' })
  })

  test('dead letters', async () => {
    const list = await run('deadletters', 'list')
    expect(list.out).toMatch(/^1 +message +cfo\/lobby +\S+ +it broke its session three times +hello$/m)
    expect(JSON.parse((await run('deadletters', 'list', '--json')).out)).toMatchObject({ dead_letters: [{ id: 1 }] })
    expect(await run('deadletters', 'retry', '99')).toMatchObject({ code: 1, err: expect.stringContaining('99') })
    expect(await run('deadletters', 'retry', '1')).toMatchObject({ code: 0, err: '' })
    expect((await run('deadletters', 'list')).out).toBe('There are no dead letters.\n')
  })
})

test('looking at what is not there makes no data folder', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const run = (...args: string[]) => commandIn(folder, args)
  expect(await run('sessions', 'list')).toMatchObject({ code: 0, out: 'There are no sessions yet.\n' })
  expect(await run('deadletters', 'retry', '1')).toMatchObject({ code: 1 })
  expect((await run('usage')).out).toBe('Nothing was used in the last 30 days.\n')
  expect(await run('pairing', 'revoke', 'cfo', '77')).toMatchObject({ code: 1, out: '' })
  expect(existsSync(join(folder, '.troupe'))).toBe(false)
})

test('status: what a person reads, and the JSON of the port', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO.replace('port: 0', 'port: 0\n  token: ${T}') })
  const environment = { T: TOKEN }
  const gateway = await started(folder, environment)
  const url = await gateway.address()
  const person = await troupe(['status'], { folder, environment })
  expect(person).toMatchObject({ code: 0, err: '' })
  expect(person.out).toContain(`is serving at ${url}/, up `)
  expect(person.out).toContain('2 of 2 channels live')
  const { out } = await commandIn(folder, ['status', '--json'], environment)
  expect(JSON.parse(out)).toMatchObject({ state: 'serving', channels: [{ id: 'cfo' }, { id: 'ops' }], dead_letters: 0 })
  const elsewhere = ['status', '--url', url]
  expect(await runHere([...elsewhere, '--json'], { TROUPE_TOKEN: TOKEN })).toMatchObject({ code: 0 })
  const stranger = await runHere(elsewhere)
  expect(stranger).toEqual({ code: 1, out: '', err: expect.stringContaining('asks for its token') })
  await stopped(gateway)
})

test('status when nothing answers: a sentence, and 1', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO.replace('port: 0', 'port: 1') })
  expect(await commandIn(folder, ['status'])).toEqual({
    code: 1,
    out: '',
    err: expect.stringMatching(/^troupe: Nothing answers at http/),
  })
})

test('send goes through the running gateway into the conversation', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const gateway = await started(folder, {})
  const url = await gateway.address()
  await post(url, 'cfo', 'hello')
  const sent = await troupe(['send', '--channel', 'cfo', '--to', 'lobby', 'The', 'report is ready.'], { folder })
  expect(sent).toMatchObject({ code: 0, err: '' })
  const events = await fetch(`${url}/channels/cfo/conversations/lobby/events`)
  let seen = ''
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader()
  await until(async () => {
    seen += (await reader?.read())?.value ?? ''
    return seen.includes('The report is ready.')
  })
  await reader?.cancel()
  const unknown = await commandIn(folder, ['send', '--channel', 'cfx', '--to', 'lobby', 'x'])
  expect(unknown).toEqual({ code: 1, out: '', err: expect.stringContaining('no channel "cfx"; `troupe status`') })
  await stopped(gateway)
})

test('a file that was broken while the gateway runs still leads to it, from every command', async () => {
  const sound = TWO.replace('port: 0', `port: 0\n  token: ${TOKEN}`)
  const folder = folderWith({ 'gateway.yaml': sound })
  const gateway = await started(folder, {})
  writeFileSync(join(folder, 'gateway.yaml'), `${sound}nonsense: 1\n`)
  const ask = async (...words: string[]) => (await commandIn(folder, words)).code
  expect(await ask('status')).toBe(0)
  expect(await ask('sessions', 'list')).toBe(0)
  expect(await ask('deadletters', 'list')).toBe(0)
  expect(await ask('channels', 'pause', 'cfo')).toBe(0)
  expect(await ask('send', '--channel', 'cfo', '--to', 'lobby', 'x')).toBe(0)
  expect(await commandIn(folder, ['reload'])).toMatchObject({ code: 1, err: expect.stringContaining('nonsense') })
  await stopped(gateway)
  const { code, err } = await commandIn(folder, ['status'])
  expect({ code, err }).toEqual({ code: 78, err: expect.stringContaining('nonsense') })
})

test('a list waits for another command that reads there at this moment, and for nobody who stays without an address', async () => {
  const { folder } = await furnished(TWO)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const other = openOffline(join(folder, '.troupe'), realWorld({}))
  const list = async (afterLook: () => Promise<void>) => {
    const { context, err } = testContext()
    const clock = { ...context.world.clock, setTimeout: (fn: () => void) => void afterLook().then(fn) }
    const args = ['sessions', 'list', '--config', join(folder, 'gateway.yaml')]
    return { code: await runProgram(args, { ...context, world: { ...context.world, clock } }), err: err() }
  }
  expect(await list(async () => {})).toEqual({ code: 75, err: expect.stringContaining('says no address') })
  expect(await list(() => other.close())).toEqual({ code: 0, err: '' })
})

test('send without a gateway: what to do, and 75', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const { code, err } = await commandIn(folder, ['send', '--channel', 'cfo', '--to', 'lobby', 'x'])
  expect({ code, err }).toEqual({ code: 75, err: expect.stringContaining('troupe start') })
})

test('a file with problems: they are printed, and 78', async () => {
  const folder = folderWith({ 'gateway.yaml': 'nonsense: 1\n' })
  for (const args of [['status'], ['sessions', 'list'], ['send', '--channel', 'a', '--to', 'b', 'c'], ['chat']]) {
    expect(await commandIn(folder, args)).toMatchObject({
      code: 78,
      err: expect.stringMatching(/^\S+gateway\.yaml:1:1 /),
    })
  }
})

async function started(folder: string, environment: Readonly<Record<string, string>>): Promise<Running> {
  const gateway = begin(['start'], { folder, environment })
  await gateway.prints(/^2 of 2/m)
  return gateway
}

async function stopped(gateway: Running): Promise<void> {
  gateway.process.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 0 })
}

test('channels pause and resume go through the running gateway; a name that it does not have is said', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const gateway = begin(['start'], { folder })
  await gateway.prints(/^2 of 2/m)
  const states = async (): Promise<unknown[]> => {
    const { out } = await commandIn(folder, ['status', '--json'])
    const { channels }: { channels: { state: unknown }[] } = JSON.parse(out)
    return channels.map(({ state }) => state)
  }
  expect(await commandIn(folder, ['channels', 'pause', 'ops'])).toMatchObject({ code: 0, err: '' })
  await until(async () => (await states()).join() === 'live,paused')
  expect((await commandIn(folder, ['channels', 'resume', 'ops'])).out).toMatch(/^ops connects again; /)
  await until(async () => (await states()).join() === 'live,live')
  const unknown = await commandIn(folder, ['channels', 'pause', 'oops'])
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('There is no channel "oops"') })
})
