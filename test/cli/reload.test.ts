// Reload and status: what a person reads of a configuration that was taken, in part or not at all.

import { afterEach, expect, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import type { Reloaded } from '../../src/http/port.ts'
import { closeAll, start } from '../http/client.ts'
import { testContext } from './context.ts'

afterEach(closeAll)

/** The command against a port that answers so. */
async function reload(reloaded: Reloaded, ...more: string[]) {
  const { server, gateway } = await start()
  gateway.reloaded = reloaded
  // With a token in the environment no configuration is looked for.
  const { context, out, err } = testContext('pipes', { TROUPE_TOKEN: 'unused' })
  const code = await runProgram(['reload', '--url', server.url, ...more], context)
  return { code, out: out(), err: err() }
}

const CHANGES = [
  { id: 'agents.cfo', change: 'changed', reason: null },
  { id: 'channels.tg', change: 'kept', reason: 'it goes by its earlier definition, because …' },
] as const

test('reload: what changed, by name; 1 when something of it did not come to be', async () => {
  expect(await reload({ outcome: 'taken', changes: CHANGES, needs_restart: ['gateway.port'] })).toEqual({
    code: 1,
    out: `agents.cfo    changed
channels.tg   kept             it goes by its earlier definition, because …
gateway.port  needs a restart
`,
    err: '',
  })
  const { code, out } = await reload({ outcome: 'taken', changes: CHANGES.slice(0, 1), needs_restart: [] })
  expect({ code, out }).toEqual({ code: 0, out: 'agents.cfo  changed\n' })
})

test('reload: nothing to say is said; --json is the port’s own', async () => {
  const nothing = { outcome: 'taken', changes: [], needs_restart: [] } as const
  expect(await reload(nothing)).toEqual({ code: 0, out: 'Nothing has changed.\n', err: '' })
  expect(JSON.parse((await reload(nothing, '--json')).out)).toEqual({ changes: [], needs_restart: [] })
})

test('reload: a file with problems, and a gateway that drains: their words, and 1', async () => {
  const problems = ['g.yaml:3:1 channels: is required', 'g.yaml:4:1 agents: is required']
  expect(await reload({ outcome: 'invalid', problems })).toEqual({
    code: 1,
    out: '',
    err: `troupe: ${problems.join('\n')}\n`,
  })
  expect(await reload({ outcome: 'draining' })).toMatchObject({ code: 1, err: expect.stringContaining('draining') })
})

test('status: a server that does not start, a file that is not in force, what is kept and what needs a restart; and nothing when all is well', async () => {
  const { server, gateway } = await start()
  const whole = await gateway.status()
  gateway.status = async () => ({
    ...whole,
    mcp_servers: [{ agent: 'cfo', server: 'docs', reason: 'requires: it refuses', phase: 'requires', since: '' }],
    configuration: {
      loaded_at: '2026-01-02T03:04:05.000Z',
      problems: ['g.yaml:3:1 channels: is required'],
      needs_restart: ['gateway.port', 'gateway.data'],
      kept: [{ id: 'channels.tg', reason: 'the token was refused' }],
    },
  })
  const status = async (): Promise<string> => {
    const { context, out } = testContext('pipes', { TROUPE_TOKEN: 'unused' })
    expect(await runProgram(['status', '--url', server.url], context)).toBe(0)
    return out()
  }
  expect(await status()).toContain('\n  requires: it refuses\nSessions: ')
  expect(await status()).toContain(`
The file has problems; what was read at 2026-01-02T03:04:05.000Z is in force:
  g.yaml:3:1 channels: is required
channels.tg goes by its earlier definition: the token was refused
Needs a restart: gateway.port, gateway.data.
`)
  gateway.status = async () => whole
  expect(await status()).toMatch(/Dead letters: 1\.\n$/)
})

test('a broken port that answers something else is caught by the command', async () => {
  const broken = { outcome: 'taken' } as unknown as Reloaded // A gateway of another version, say.
  expect(await reload(broken)).toMatchObject({ code: 1, err: expect.stringContaining('not as a Troupe gateway does') })
})
