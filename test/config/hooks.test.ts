// Hooks: what an entry becomes, whose it is, and every mistake at its place.

import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { loaded, problemsOf } from './support.ts'

const file = (hooks: unknown, ofAgent: unknown = {}): string =>
  JSON.stringify({
    hooks,
    agents: { cfo: { model: 'echo', hooks: ofAgent }, ops: { model: 'echo' } },
    channels: { web: { platform: 'web', agent: 'cfo' } },
  })

const problemsIn = (hooks: unknown, ofAgent: unknown = {}) =>
  problemsOf(file(hooks, ofAgent)).map((line) => line.replace(/^\S+ /, ''))

const USUAL = { timeoutMs: 10_000, onFailure: 'go_on' }

test('a path, a name, a module and a mapping become definitions; those of all agents stand before their own', () => {
  const { definition } = loaded(
    file(
      { 'run.start': ['./bin/all'], dead_letter: ['notify'], 'gateway.start': [] },
      { 'run.start': [{ run: './hooks/x.ts', timeout: '2s', on_failure: 'refuse' }], 'run.end': ['./bin/end'] },
    ),
  )
  const all = { kind: 'executable', path: resolve('bin/all'), ...USUAL }
  expect(definition.agents['cfo']?.hooks).toEqual({
    'run.start': [all, { kind: 'module', path: resolve('hooks/x.ts'), timeoutMs: 2_000, onFailure: 'refuse' }],
    'run.end': [{ kind: 'executable', path: resolve('bin/end'), ...USUAL }],
  })
  expect(definition.agents['ops']?.hooks).toEqual({ 'run.start': [all] })
  expect(definition.hooks).toEqual({ dead_letter: [{ kind: 'executable', path: 'notify', ...USUAL }] })
})

test('without hooks there are none', () => {
  const { definition } = loaded(file(undefined, undefined))
  expect([definition.hooks, definition.agents['cfo']?.hooks]).toEqual([{}, {}])
})

test.each<[string, unknown, unknown, string]>([
  ['an unknown event', { 'run.strat': [] }, {}, 'hooks.run.strat: unknown key (did you mean "run.start"?)'],
  [
    'an event of the gateway, at an agent',
    {},
    { dead_letter: [] },
    'agents.cfo.hooks.dead_letter: unknown key; known here: session.start, message.accepted, run.start, run.end',
  ],
  ['no mapping', ['./bin/x'], {}, 'hooks: expected a mapping of events to lists of hooks, found a list'],
  ['no list', { 'run.end': './bin/x' }, {}, 'hooks.run.end: expected a list such as [./bin/notify], found "./bin/x"'],
  [
    'a number',
    { 'run.end': [7] },
    {},
    'hooks.run.end[0]: expected the path of an executable or of a module, such as ./bin/notify or ./hooks/notify.ts, found 7',
  ],
  [
    'an unknown key',
    {},
    { 'run.start': [{ run: './x', timout: '1s' }] },
    'agents.cfo.hooks.run.start[0].timout: unknown key (did you mean "timeout"?)',
  ],
  [
    'no path',
    {},
    { 'run.start': [{ timeout: '1s' }] },
    'agents.cfo.hooks.run.start[0].run: is required: expected the path of an executable or of a module, such as ./bin/notify or ./hooks/notify.ts',
  ],
  [
    'a timeout',
    {},
    { 'run.start': [{ run: './x', timeout: '2m' }] },
    'agents.cfo.hooks.run.start[0].timeout: expected a duration from 100ms to 45s, found "2m"',
  ],
  [
    'a policy',
    {},
    { 'run.start': [{ run: './x', on_failure: 'stop' }] },
    'agents.cfo.hooks.run.start[0].on_failure: unknown value "stop": expected go_on or refuse',
  ],
  [
    'a policy without effect',
    {},
    { 'run.end': [{ run: './x', on_failure: 'refuse' }] },
    'agents.cfo.hooks.run.end[0].on_failure: has no effect on run.end: nothing of it can be refused',
  ],
  [
    'a home',
    { 'run.end': ['~/bin/x'] },
    {},
    'hooks.run.end[0]: the sign ~ is not replaced here: write ${HOME} instead',
  ],
  [
    'arguments',
    { 'run.end': ['notify --now'] },
    {},
    'hooks.run.end[0]: expected the path of an executable or of a module, such as ./bin/notify or ./hooks/notify.ts, without arguments, found "notify --now"',
  ],
])('%s', (_, hooks, ofAgent, problem) => {
  expect(problemsIn(hooks, ofAgent)).toEqual([problem])
})

test('a variable that is not set spoils the agent that it stands at', () => {
  const { missing, definition } = loaded(file({}, { 'run.end': ['${HOOK}'] }))
  expect(missing).toMatchObject([{ variable: 'HOOK', owner: { kind: 'agent', id: 'cfo' } }])
  expect(definition.agents['cfo']?.missing).toEqual(['HOOK'])
})
