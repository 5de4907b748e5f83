// Chat: a conversation with an agent in the terminal: through a pipe with the real binary, and at a terminal whose keys a
// test presses.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chatCommand } from '../../src/cli/chat.ts'
import { Talk } from '../../src/cli/talk.ts'
import { openOffline, type WebEvent, type WebPort } from '../../src/start.ts'
import { realWorld } from '../../src/world.ts'
import { begin, folderWith, type Ran, troupe, TWO, until } from './child.ts'
import { testContext } from './context.ts'

test('each line of a pipe is a message; it ends with 0 after the last answer', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const { code, out, err } = await troupe(['chat'], { folder, input: 'one\n\ntwo\nthree' })
  expect({ code, out, err }).toEqual({ code: 0, out: 'cfo heard: one\ncfo heard: two\ncfo heard: three\n', err: '' })
})

test('S02 two agents in one terminal share no history, and a session goes on where it was', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  expect((await troupe(['chat', 'cfo'], { folder, input: 'one\n' })).out).toBe('cfo heard: one\n')
  const other = await troupe(['chat', 'ops', '--debug'], { folder, input: 'two\n' })
  expect(other.out).toBe('ops heard: two\n')
  expect(other.err).toMatch(/"terminal".*is live/)
  expect(other.err, 'nobody else is served here').not.toContain('@openai')
  expect((await troupe(['chat', 'cfo'], { folder, input: 'three\n' })).out).toBe('cfo heard: three\n')
  const { out } = await troupe(['sessions', 'list', '--json'], { folder })
  expect(JSON.parse(out).sessions).toEqual([
    expect.objectContaining({ key: 'terminal/cfo', agent: 'cfo', turns: 2 }),
    expect.objectContaining({ key: 'terminal/ops', agent: 'ops', turns: 1 }),
  ])
})

test.each(['now\n', ''])('what an earlier chat left unanswered is answered first, before %j', async (said) => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const store = openOffline(join(folder, '.troupe'), realWorld({}))
  await store.accept({
    ...{ channel: 'terminal', conversation: 'cfo', sessionKey: 'terminal/cfo', agent: 'cfo', platformMessageId: '1' },
    ...{ kind: 'dm', text: 'left', addressed: true, album: null, attachments: [], continues: false },
    ...{ sender: { id: 'terminal', name: null, handle: null }, command: null, journaled: true },
  })
  await store.close()
  const { code, out } = await troupe(['chat'], { folder, input: said })
  expect({ code, out }).toEqual({ code: 0, out: `cfo heard: left\n${said === '' ? '' : 'cfo heard: now\n'}` })
})

test('S06 another gateway has the data folder: its name, and 75', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const gateway = begin(['start'], { folder })
  const url = await gateway.address()
  const { code, err } = await troupe(['chat'], { folder, input: 'one\n' })
  expect({ code, err }).toEqual({ code: 75, err: expect.stringContaining(url) })
  gateway.process.kill('SIGTERM')
  await gateway.ended
})

test('an unknown agent: the nearest name, and 64', async () => {
  const { code, err } = await troupe(['chat', 'cof'], { folder: folderWith({ 'gateway.yaml': TWO }), input: '' })
  expect({ code, err }).toEqual({ code: 64, err: expect.stringContaining('Did you mean cfo?') })
})

test('an agent that lacks a variable: its name, and 1', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO.replace('Money.', '"${MOOD}"') })
  const { code, out, err } = await troupe(['chat'], { folder, input: 'one\n' })
  expect({ code, out, err }).toEqual({ code: 1, out: '', err: expect.stringContaining('MOOD is not set') })
})

test('at a terminal: the answer comes once, and Ctrl-D ends', async () => {
  const talk = atTerminal(TWO)
  await talk.shows(/You are talking to cfo.*\n.*› /)
  talk.press('hello\r')
  await talk.shows(/cfo heard: hello\r?\n.*› /)
  talk.press('\u0004')
  expect(await talk.ended).toBe(0)
  expect(talk.out().match(/cfo heard: hello/g)).toHaveLength(1)
})

test('S32 at a terminal: Ctrl-C stops the run, and without one it ends', async () => {
  const talk = atTerminal(TWO.replace('model: echo', 'model: { provider: echo, delay: 60s }'))
  await talk.shows(/› /)
  talk.press('hello\r')
  talk.press('\u0003')
  await talk.shows(/Stopped[^]*› /)
  talk.press('\u0003')
  expect(await talk.ended).toBe(0)
  expect(talk.out()).not.toContain('heard')
})

const DELTA = { kind: 'delta', session: 'terminal/cfo', turn: 't1' } as const
const MESSAGE = { kind: 'message', role: 'assistant', id: 1 } as const

test.each<[string, readonly WebEvent[], string]>([
  [
    'streamed and then whole',
    [
      { ...DELTA, text: 'cfo ' },
      { ...MESSAGE, text: 'cfo heard' },
    ],
    'cfo heard\n',
  ],
  ['whole only', [{ ...MESSAGE, text: 'cfo heard' }], 'cfo heard\n'],
  [
    'streamed by a run that was ended',
    [
      { ...DELTA, text: 'cfo ' },
      { ...MESSAGE, text: 'Stopped.' },
    ],
    'cfo \nStopped.\n',
  ],
  ['with control characters', [{ ...MESSAGE, text: 'a\u001B[2Jb' }], 'a[2Jb\n'],
  [
    'said twice by a broken port',
    [
      { ...MESSAGE, text: 'cfo' },
      { ...MESSAGE, text: 'cfo' },
    ],
    'cfo\ncfo\n',
  ],
])('an answer %s', async (_, events, shown) => {
  expect(await shownOf(events)).toBe(shown)
})

/** What stands on a terminal after a port showed these events. */
async function shownOf(events: readonly WebEvent[]): Promise<string> {
  const { context, out } = testContext('terminal')
  const ended = new AbortController()
  const port: WebPort = {
    post: async () => ({ accepted: true, duplicate: false }),
    subscribe: async (_, emit, signal) => {
      for (const event of ended.signal.aborted ? [] : events) await emit(event)
      ended.abort()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  }
  const talk = new Talk({ port, conversation: 'cfo', agent: 'cfo', context, lastId: 0, count: 0, awaited: 1 })
  await talk.answered()
  await new Promise(setImmediate)
  talk.end()
  await talk.watching
  return out()
}

interface AtTerminal {
  press(keys: string): void
  out(): string
  shows(pattern: RegExp): Promise<void>
  readonly ended: Promise<Ran['code']>
}

function atTerminal(file: string): AtTerminal {
  const config = join(folderWith({ 'gateway.yaml': file }), 'gateway.yaml')
  const { context, out, stdin } = testContext('terminal', { NO_COLOR: '1' })
  const options = {
    text: (name: string) => (name === 'config' ? config : undefined),
    number: () => undefined,
    given: () => false,
  }
  const ended = chatCommand.run({ context, arguments: [], options })
  return {
    press: (keys) => void stdin.write(keys),
    out,
    shows: (pattern) => until(async () => pattern.test(out())),
    ended,
  }
}
