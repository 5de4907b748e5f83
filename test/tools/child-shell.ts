// A process that runs one command of the shell tool in a folder and waits: for a test that kills it meanwhile.

import { join } from 'node:path'
import { unrecorded } from '../../src/tools/groups.ts'
import { shellTool } from '../../src/tools/shell.ts'
import { realWorld } from '../../src/world.ts'

const [workdir = '', command] = process.argv.slice(2)
const world = realWorld(process.env)
const parts = { agent: 'ops', workdir, temporary: join(workdir, '.tmp'), hidden: [], groups: unrecorded, world }
const sender = { id: '1', name: null, handle: null }
await shellTool(parts).tool.call({ command }, { id: 'call', signal: new AbortController().signal, workdir, sender })
