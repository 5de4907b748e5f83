// A process that runs one command of the shell tool in a folder and waits: for a test that kills it meanwhile. What it starts is on
// record in the folder `data`, when there is one.

import { join } from 'node:path'
import type { Log } from '../../src/log.ts'
import { recordedGroups, unrecorded } from '../../src/tools/groups.ts'
import { shellTool } from '../../src/tools/shell.ts'
import { realWorld } from '../../src/world.ts'

const [workdir = '', command, data] = process.argv.slice(2)
const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const groups = data === undefined ? unrecorded : recordedGroups(data, log)
const world = realWorld(process.env)
const parts = { agent: 'ops', workdir, temporary: join(workdir, '.tmp'), hidden: [], groups, world }
const sender = { id: '1', name: null, handle: null }
await shellTool(parts).tool.call({ command }, { signal: new AbortController().signal, workdir, sender })
