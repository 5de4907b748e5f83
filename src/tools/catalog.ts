// Catalogue: the tools of a definition, each with what every call is owed: an input that was looked at, a result without a
// secret's value, and a failure in words.
//   Importing it loads no tool: an agent that only talks never pays for one.
//   A3. Every text of a tool, results and failures alike, is searched for secrets' values before it leaves.

import { FailureError } from '../../machines/failure.ts'
import { isBuiltIn, usesFolder } from '../../machines/tool-names.ts'
import type { Groups } from './groups.ts'
import type { BuildTools, Tool, ToolInput, ToolParts, ToolScope } from './tool.ts'
import type { Workdir } from './workdir.ts'

/** What is the same for the tools of every agent. */
export interface Outside {
  /** The text without any secret's value. */
  readonly redact: (text: string) => string
  /** Files and folders that no tool may see, absolute: the configuration, the variables beside it, the data folder. */
  readonly hidden: readonly string[]
  /** Of the commands that they start. */
  readonly groups: Groups
}

export function toolBuilder(outside: Outside): BuildTools {
  return async (parts) => {
    const { tools, mcp } = parts.definition
    const opened: Opened = { calls: new Set(), closing: new AbortController(), last: [] }
    try {
      const workdir = tools.some(usesFolder) ? await openFolder(parts, outside) : null
      const built = await Promise.all(tools.map((tool) => toolsOf(tool, { parts, outside, workdir, opened })))
      const served = Object.keys(mcp).length === 0 ? [] : await servedTools(parts, opened.closing.signal)
      const all = await Promise.all(
        [...built.flat(), ...served].map((tool) => guarded(tool, { parts, outside, opened })),
      )
      return { tools: all, workdir: workdir?.path ?? '', close: () => close(parts, opened) }
    } catch (error) {
      await close(parts, opened)
      throw error
    }
  }
}

/** What a toolbox has open. */
interface Opened {
  /** Calls that have not ended. */
  readonly calls: Set<Promise<unknown>>
  /** Ends them. */
  readonly closing: AbortController
  /** What is closed when none of them is left, the newest first. */
  readonly last: (() => Promise<void>)[]
}

async function close({ log }: ToolParts, { calls, closing, last }: Opened): Promise<void> {
  closing.abort()
  await Promise.allSettled(calls)
  for (const shut of last.splice(0).reverse()) {
    await shut().catch((error: unknown) => log.warn({ err: error }, 'what a tool had open could not be closed'))
  }
}

// --- the tools of one word --------------------------------------------------------------------------------------------

interface Building {
  readonly parts: ToolParts
  readonly outside: Outside
  readonly opened: Opened
}

async function openFolder(parts: ToolParts, { hidden }: Outside): Promise<Workdir> {
  const { openWorkdir } = await import('./workdir.ts')
  return openWorkdir({ ...parts, hidden })
}

/** Loads the code of a tool at its first use. `workdir` is null when no tool of this agent has one. */
async function toolsOf(tool: string, building: Building & { workdir: Workdir | null }): Promise<readonly Tool[]> {
  const { parts, outside, workdir, opened } = building
  const { definition, world } = parts
  const root = workdir?.path ?? ''
  if (!isBuiltIn(tool)) {
    const { ownTool } = await import('./own.ts')
    return [await ownTool(tool, world)]
  }
  switch (tool) {
    case 'files': {
      const { filesTools } = await import('./files.ts')
      return filesTools({ root, kind: workdir?.kind ?? 'own', world })
    }
    case 'shell': {
      const { removeOtherTemporaries, shellTool, temporaryIn } = await import('./shell.ts')
      const { hidden, groups } = outside
      const temporary = temporaryIn(root, parts)
      const shell = shellTool({ agent: definition.id, workdir: root, temporary, hidden, groups, world })
      opened.last.push(() => shell.close())
      if (workdir !== null) await removeOtherTemporaries(workdir, parts)
      return [shell.tool]
    }
    case 'http': {
      const { httpTools } = await import('./http.ts')
      return httpTools({ allow: definition.httpAllow, world })
    }
    case 'memory': {
      const { memoryTools } = await import('./memory.ts')
      return memoryTools({ agent: definition.id, session: parts.session, notes: parts.notes })
    }
  }
}

async function servedTools(parts: ToolParts, signal: AbortSignal): Promise<Tool[]> {
  const { mcpTools } = await import('./mcp.ts')
  return mcpTools(parts, signal)
}

// --- what every call is owed ------------------------------------------------------------------------------------------

async function guarded(tool: Tool, { parts, outside, opened }: Building): Promise<Tool> {
  const { judgeOf } = await import('./input.ts')
  const judge = judgeOf(tool.judgedBy ?? tool.parameters)
  const attempt = async (input: ToolInput, scope: ToolScope): Promise<string> => {
    const signal = AbortSignal.any([scope.signal, opened.closing.signal])
    if (signal.aborted) throw failure('cancelled', 'the call was ended')
    const mistake = judge(input)
    if (mistake !== null) throw failure('refused', `${tool.name} cannot be called like this. ${mistake}`)
    return sendable(outside.redact(await tool.call(input, { ...scope, signal })))
  }
  return {
    ...tool,
    async call(input, scope) {
      const attempted = attempt(input, scope)
      opened.calls.add(attempted)
      try {
        return await attempted
      } catch (thrown) {
        throw told(thrown, tool, { ...parts, ...outside })
      } finally {
        opened.calls.delete(attempted)
      }
    },
  }
}

function failure(reason: 'cancelled' | 'refused', message: string): FailureError {
  return new FailureError({ kind: 'permanent', reason, message })
}

/** A tool's own mistake ends its call and not the session: the model is told, the log has the rest. */
function told(thrown: unknown, { name }: Tool, { redact, log }: ToolParts & Outside): FailureError {
  if (thrown instanceof FailureError) {
    const { failure: known } = thrown
    return new FailureError({ ...known, message: redact(known.message) }, { cause: thrown.cause })
  }
  log.error({ tool: name, err: thrown }, 'a tool failed by a defect')
  const message = `${name} failed by a defect; the log has more`
  return new FailureError({ kind: 'permanent', reason: 'defect', message }, { cause: thrown })
}

/** A NUL or half a character is refused by some providers, and with it the whole request. */
function sendable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}
