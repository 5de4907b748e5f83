// Parts of the tools' tests: a folder to work in, the parts of a toolbox, calls by name, and a look for processes that are left.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Note } from '../../machines/notes.ts'
import { type Outside, toolBuilder } from '../../src/tools/catalog.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import type { Notes, Tool, Toolbox, ToolParts, ToolScope } from '../../src/tools/tool.ts'
import { realWorld, type World } from '../../src/world.ts'
import { testAgent } from '../support/definitions.ts'
import { silentLog } from '../support/world.ts'

export const ANNA = { id: '1', name: 'Anna', handle: '@anna' }

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-tools-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function world(environment: Record<string, string> = {}): World {
  const { PATH = '' } = process.env
  return realWorld({ PATH, ...environment })
}

export interface Opened {
  readonly toolbox: Toolbox
  readonly parts: ToolParts
  tool(name: string): Tool
  readonly workdir: string
  /** Calls a tool as Anna. */
  call(name: string, input?: Record<string, unknown>, scope?: Partial<ToolScope>): Promise<string>
}

export type Rest = Partial<ToolParts & Outside>

/** The tools of an agent, in a data folder of their own, until the test is over. */
export async function open(given: Partial<AgentDefinition>, rest: Rest = {}): Promise<Opened> {
  const opened = await openIn(rest.data ?? join(temporaryFolder(), 'data'), given, rest)
  onTestFinished(() => opened.toolbox.close())
  return opened
}

/** The same, for whoever closes it himself. */
export async function openIn(data: string, given: Partial<AgentDefinition>, rest: Rest = {}): Promise<Opened> {
  mkdirSync(data, { recursive: true })
  const parts: ToolParts = {
    definition: testAgent('cfo', given),
    session: 'web/room',
    turn: 't1',
    data,
    secret: () => 'secret-value',
    notes: memoryNotes(),
    mcp: noServers,
    world: world(),
    log: silentLog,
    ...rest,
  }
  const {
    hidden = [data],
    groups = unrecorded,
    redact = (text: string) => text.replaceAll('secret-value', '[secret]'),
  } = rest
  const toolbox = await toolBuilder({ redact, hidden, groups })(parts)
  const tool = (name: string): Tool => {
    const found = toolbox.tools.find((one) => one.name === name)
    if (found === undefined) throw new Error(`there is no tool ${name}`)
    return found
  }
  return {
    toolbox,
    parts,
    tool,
    workdir: toolbox.workdir,
    call: (name, input = {}, given = {}) => tool(name).call(input, { ...scope(toolbox.workdir), ...given }),
  }
}

/** For agents without MCP servers. */
const noServers: ToolParts['mcp'] = {
  list: () => Promise.reject(new Error('this test has no MCP server')),
  call: () => Promise.reject(new Error('this test has no MCP server')),
}

/** One call of Anna's that nobody ends. */
export function scope(workdir = ''): ToolScope {
  return { id: 'call', signal: new AbortController().signal, workdir, sender: ANNA }
}

export function memoryNotes(): Notes {
  const all: (Note & { agent: string; user: string })[] = []
  let last = 0
  return {
    list: async (agent, user) => all.filter((note) => note.agent === agent && note.user === user),
    async add(agent, user, text) {
      const same = all.find((note) => note.agent === agent && note.user === user && note.text === text)
      if (same === undefined) all.push({ agent, user, text, number: (last += 1), atMs: 0 })
      return same?.number ?? last
    },
    async remove(agent, user, number) {
      const index = all.findIndex((note) => note.agent === agent && note.user === user && note.number === number)
      if (index >= 0) all.splice(index, 1)
      return index >= 0
    },
  }
}

/** The failure that a promise rejects with; anything else is an error of the test. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const thrown = await promise.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  if (thrown instanceof FailureError) return thrown.failure
  throw thrown
}

/** Whether this system gives namespaces at all; many containers do not, and then commands see what the user may read. */
export function hasNamespaces(): boolean {
  return ['--mount', '--user'].some((kind) => {
    const asked = `unshare ${kind} --mount --pid --fork --kill-child=KILL --mount-proc true`
    return spawnSync('sh', ['-c', asked]).status === 0
  })
}
