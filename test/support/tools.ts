// Tools for tests: toolboxes that hold what a test gives, and say when they are closed.

import { FolderUses } from '../../src/actors/folders.ts'
import { Said } from '../../src/actors/said.ts'
import type { Parts } from '../../src/actors/parts.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { testUploads } from './uploads.ts'

export interface TestTools {
  /** By the name that a definition has for them. */
  readonly tools: Readonly<Record<string, Tool>>
  readonly opened: string[]
  readonly closed: string[]
  /** What the building of each toolbox waits for. */
  readonly opening?: Promise<void> | undefined
}

type Given =
  | 'asked'
  | 'hooks'
  | 'buildTools'
  | 'folderUses'
  | 'clearFolder'
  | 'buildDescription'
  | 'buildTranscription'
  | 'notes'
  | 'openReceived'
  | 'runMcp'
  | 'said'
  | 'toolboxes'
  | 'uploads'

/** As the composition root gives them to the actors; a definition's unknown tool is a defect of the test. */
export function toolParts({ tools, opened, closed, opening }: TestTools): Pick<Parts, Given> {
  return {
    buildTools: async ({ definition, session }) => {
      opened.push(session)
      await opening
      const named = definition.tools.map((name) => {
        const tool = tools[name]
        if (tool === undefined) throw new Error(`the test has no tool ${name}`)
        return tool
      })
      return { tools: named, workdir: '/nowhere', close: async () => void closed.push(session) }
    },
    buildDescription: () => Promise.reject(new Error('nobody looks here')),
    buildTranscription: () => Promise.reject(new Error('nobody hears here')),
    openReceived: () => Promise.reject(new Error('there is no folder here')),
    uploads: testUploads(),
    notes: { list: async () => [], add: async () => 1, remove: async () => false },
    hooks: { run: async () => ({}) },
    said: new Said(),
    toolboxes: new Map(),
    folderUses: new FolderUses(),
    clearFolder: async () => {},
    asked: new Map(),
    runMcp: () => Promise.reject(new Error('this test has no MCP server')),
  }
}

export function noTools(): ReturnType<typeof toolParts> {
  return toolParts({ tools: {}, opened: [], closed: [] })
}
