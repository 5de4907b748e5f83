// Signals: what the first, the second and the third one mean, told to the listeners that a command has.

import { afterEach, expect, test, vi } from 'vitest'
import { listenForSignals, type StopSignal } from '../../src/cli/signals.ts'
import { testContext } from './context.ts'

const UNDER_NPM = { npm_lifecycle_event: 'start' }

afterEach(() => vi.restoreAllMocks())

test('under npm a Ctrl-C that comes twice is one, and the next one stops at once', () => {
  const { heard, exits, send } = listening('terminal', UNDER_NPM)
  send('SIGINT')
  send('SIGINT')
  expect({ heard, exits }).toEqual({ heard: ['SIGINT'], exits: [] })
  send('SIGINT')
  expect(exits).toEqual([130])
})

test.each([
  ['without npm', 'terminal', {}],
  ['without a terminal', 'pipes', UNDER_NPM],
] as const)('%s the second SIGINT stops at once', (_, kind, environment) => {
  const { heard, exits, send } = listening(kind, environment)
  send('SIGINT')
  send('SIGINT')
  expect({ heard, exits }).toEqual({ heard: ['SIGINT'], exits: [130] })
})

test('under npm a SIGTERM behind a Ctrl-C stops at once', () => {
  const { exits, send } = listening('terminal', UNDER_NPM)
  send('SIGINT')
  send('SIGTERM')
  expect(exits).toEqual([143])
})

function listening(kind: 'pipes' | 'terminal', environment: Readonly<Record<string, string>>) {
  const listeners: ((signal: NodeJS.Signals) => void)[] = []
  vi.spyOn(process, 'on').mockImplementation((name: string | symbol, listener: (signal: NodeJS.Signals) => void) => {
    if (name === 'SIGINT') listeners.push(listener)
    return process
  })
  const { context, exits } = testContext(kind, environment)
  const heard: StopSignal[] = []
  listenForSignals(context, { stop: (signal) => heard.push(signal) })
  return { heard, exits, send: (signal: StopSignal) => listeners.forEach((listener) => listener(signal)) }
}
