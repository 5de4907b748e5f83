// Own tool: a user's tool module, opened as a run opens it and called as a run calls it: its input is held against its schema, its
// time is bounded, its answer becomes text. Owns a data folder that is gone once the tool is closed.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { toolBuilder } from '../../src/tools/catalog.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import type { Tool, ToolInput, ToolScope } from '../../src/tools/tool.ts'
import { realWorld, type World } from '../../src/world.ts'
import { testAgent } from './definitions.ts'
import { silentLog } from './world.ts'

export interface OpenedTool extends AsyncDisposable {
  /** What a run sees of it: its name (its file's), and what it left out filled in. */
  readonly tool: Tool
  /** The absolute path of the working folder that its calls are given; it exists. */
  readonly workdir: string
  /**
   * Resolves with what the model is told. Rejects with a FailureError as in a run: `refused` when the input is not of its
   * schema or it threw, `timeout` after its `timeoutMs`, `cancelled` when the signal aborts.
   */
  call(input?: ToolInput, scope?: Partial<ToolScope>): Promise<string>
  /** Ends calls that are going on, and removes the folder. */
  close(): Promise<void>
}

export interface OpenToolOptions {
  /** Its time limit goes by this world's clock; default: the real one. */
  readonly world?: World
}

/** Opens the module at this path. Rejects with a FailureError `missing` that says what is wrong with it. */
export async function openTool(path: string, { world = realWorld({}) }: OpenToolOptions = {}): Promise<OpenedTool> {
  const data = mkdtempSync(join(tmpdir(), 'troupe-tool-'))
  const remove = (): void => rmSync(data, { recursive: true, force: true })
  const notes = { list: async () => [], add: async () => 1, remove: async () => false }
  const secret = () => {
    throw new Error('a tool under test has no secrets')
  }
  const nobody = () => Promise.reject(new Error('a tool under test has no MCP server'))
  const mcp = { list: nobody, call: nobody }
  const parts = { session: 'test/room', turn: 't1', data, secret, notes, mcp, world, log: silentLog }
  const build = toolBuilder({ redact: (text) => text, hidden: [], groups: unrecorded })
  try {
    const toolbox = await build({ ...parts, definition: testAgent('agent', { tools: [resolve(path)] }) })
    const [tool] = toolbox.tools
    if (tool === undefined) throw new Error('a module is one tool')
    const close = async (): Promise<void> => {
      await toolbox.close()
      remove()
    }
    return {
      tool,
      workdir: toolbox.workdir,
      call: (input = {}, given = {}) =>
        tool.call(input, {
          id: 'call',
          signal: new AbortController().signal,
          workdir: toolbox.workdir,
          sender: ANNA,
          ...given,
        }),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    remove()
    throw error
  }
}

const ANNA = { id: '1', name: 'Anna', handle: '@anna' }
