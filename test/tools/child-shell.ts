// A process that runs one command of the shell tool in a folder and waits: for a test that kills it meanwhile.

import { join } from 'node:path'
import { shellTool } from '../../src/tools/shell.ts'
import { realWorld } from '../../src/world.ts'

const [workdir = '', command] = process.argv.slice(2)
const parts = { workdir, temporary: join(workdir, '.tmp'), hidden: [], world: realWorld(process.env) }
const sender = { id: '1', name: null, handle: null }
await shellTool(parts).tool.call({ command }, { signal: new AbortController().signal, workdir, sender })
