// Start: what a start that fails leaves open, when nearly everything was.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadText } from '../../src/config/load.ts'
import { type RunningGateway, startGateway } from '../../src/start.ts'
import { realWorld } from '../../src/world.ts'
import { silentLog } from '../http/double.ts'

function startOn(port: number, data: string): Promise<RunningGateway> {
  const text =
    'agents: { cfo: { instructions: Money., model: echo } }\nchannels: { a: { platform: web, agent: cfo } }\n'
  const read = loadText({ file: 'gateway.yaml', text, environment: {} })
  if (!read.ok) throw new Error('the file of this test has problems')
  return startGateway({
    loaded: read.loaded,
    settings: { port, data },
    world: realWorld({}),
    log: silentLog,
    version: '0.0.0',
    reload: async () => [],
    watch: null,
    inspect: null,
    phases: { earlier: [], level: 'debug' },
  })
}

test('a start that finds its port taken names the phase, and leaves nothing open: the next one has the store and the port', async () => {
  const data = mkdtempSync(join(tmpdir(), 'troupe-start-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo // A TCP server has no other.
  await expect(startOn(port, data)).rejects.toMatchObject({ failure: { phase: 'connect' } })
  other.close()
  const gateway = await startOn(port, data)
  await gateway.rollCall
  gateway.drain()
  await gateway.ended
})
