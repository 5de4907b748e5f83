// Terminal: what a person sees and what a program gets: colours, columns, progress, the roll call, control characters.

import { expect, test } from 'vitest'
import type { Lack } from '../../machines/definitions.ts'
import { progressLine } from '../../src/cli/progress.ts'
import { type CalledChannel, rollCallLines } from '../../src/cli/roll-call.ts'
import { columns, plain, plainLine } from '../../src/cli/terminal.ts'
import { testContext } from './context.ts'

const CHANNELS: readonly CalledChannel[] = [
  { id: 'tg_cfo', platform: 'telegram', agent: 'cfo', state: 'live', reason: null },
  { id: 'tg', platform: 'telegram', agent: 'ops', state: 'retrying', reason: 'Telegram is not reachable: refused' },
  { id: 'web', platform: 'web', agent: 'ops', state: 'failed', reason: 'OPS_KEY is not set. Set it.' },
  { id: 'late', platform: 'web', agent: 'ops', state: 'paused', reason: null },
]

const LACK: Lack = { phase: 'requires', what: 'the hook ./page-me is not in PATH', remedy: 'Install it' }

test.each([
  ['terminal', {}, true],
  ['terminal', { NO_COLOR: '1' }, false],
  ['terminal', { NO_COLOR: '' }, true],
  ['terminal', { TERM: 'dumb' }, false],
  ['pipes', {}, false],
  ['pipes', { FORCE_COLOR: '1' }, false],
] as const)('colours on a %s with %j: %s', async (kind, environment, coloured) => {
  const { context, out } = testContext(kind, environment)
  for (const line of rollCallLines({ channels: CHANNELS, lacking: [] }, context.terminal.colour))
    context.terminal.out(line)
  await new Promise(setImmediate)
  expect(out().includes('\u001B[')).toBe(coloured)
})

test('C3: the roll call names every channel, counts N of M, and says who keeps trying', () => {
  const { context } = testContext()
  expect(rollCallLines({ channels: CHANNELS, lacking: [LACK] }, context.terminal.colour)).toEqual([
    '  tg_cfo  live      telegram · cfo',
    '  tg      retrying  telegram · ops',
    '  web     failed    web · ops',
    '  late    paused    web · ops',
    '1 of 4 channels live',
    '  tg is retrying: Telegram is not reachable: refused. It is tried again by itself.',
    '  web is failed: OPS_KEY is not set. Set it.',
    '  late is paused.',
    '  the gateway itself: requires: the hook ./page-me is not in PATH. Install it.',
  ])
})

test('columns stay in line with colours in them, and nothing stands behind the last', () => {
  expect(
    columns([
      ['a', '\u001B[32mlive\u001B[39m', 'x'],
      ['long', 'failed', ''],
    ]),
  ).toEqual(['a     \u001B[32mlive\u001B[39m    x', 'long  failed'])
})

test('what people wrote reaches a terminal without its control characters', () => {
  expect(plain('a\u001B[2Jb\u0007\n\tc\u009B1m')).toBe('a[2Jb\n\tc1m')
  expect(plainLine('a\r\n\u001B[2Jb', 10)).toBe('a [2Jb')
  expect(plainLine('abcdef', 4)).toBe('abc…')
})

test('A3: after a file is loaded its secrets leave neither stream', async () => {
  const { context, out, err } = testContext()
  context.terminal.hide((text) => text.replaceAll('hunter2', '[secret]'))
  context.terminal.out('it is hunter2')
  context.terminal.err('it is hunter2')
  await new Promise(setImmediate)
  expect(out() + err()).toBe('it is [secret]\nit is [secret]\n')
})

test('a broken pipe ends a command quietly; any other error of the stream does not', () => {
  const { stdout, exits, context } = testContext()
  stdout.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))
  expect(exits).toEqual([])
  stdout.emit('error', Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
  expect(exits).toEqual([0])
  context.terminal.outliveReader()
  stdout.emit('error', Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
  expect(exits).toEqual([0])
})

test('progress is one line that makes room for others and is gone in the end; nothing of it in a pipe', async () => {
  const { context, err } = testContext('terminal')
  const progress = progressLine(context.terminal)
  progress.say('1 of 2')
  progress.say('1 of 2')
  progress.aside(() => context.terminal.err('a log line'))
  progress.end()
  await new Promise(setImmediate)
  expect(err()).toBe('1 of 2\r\u001B[Ka log line\n1 of 2\r\u001B[K')
  const pipe = testContext('pipes')
  progressLine(pipe.context.terminal).say('1 of 2')
  await new Promise(setImmediate)
  expect(pipe.err()).toBe('')
})
