// Catalogue: the tools of a definition, each with what every call is owed: an input that was looked at, a result of bounded
// length, no secret's value in it, and a failure in words.
//   Importing it loads no tool: an agent that only talks never pays for one.
//   A3. Every text of a tool, results and failures alike, is searched for secrets' values before it leaves.

import { FailureError } from '../../machines/failure.ts'
import { isBuiltIn, usesFolder } from '../../machines/tool-names.ts'
import type { BuildTools, Tool, Toolbox, ToolInput, ToolParts, ToolScope } from './tool.ts'
import type { Workdir } from './workdir.ts'

export const buildTools: BuildTools = async (parts) => {
  const { tools } = parts.definition
  if (tools.length === 0) return { tools: [], close: async () => {} }
  const open: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const shut of open.splice(0).reverse()) await shut().catch((error: unknown) => note(parts, error))
  }
  try {
    const workdir = tools.some(usesFolder) ? await openFolder(parts, open) : null
    const built = await Promise.all(tools.map((tool) => toolsOf(tool, { parts, workdir, open })))
    const all = await Promise.all(built.flat().map((tool) => guarded(tool, parts)))
    return { tools: all, close } satisfies Toolbox
  } catch (error) {
    await close()
    throw error
  }
}

/** Longest result that a model is given, in UTF-16 units: about 16,000 tokens. */
export const RESULT_UNITS_MAX = 64 * 1024

// --- the tools of one word --------------------------------------------------------------------------------------------

interface Building {
  readonly parts: ToolParts
  /** null: no tool of this agent has one. */
  readonly workdir: Workdir | null
  /** What is to be closed with the toolbox. */
  readonly open: (() => Promise<void>)[]
}

async function openFolder(parts: ToolParts, open: Building['open']): Promise<Workdir> {
  const { openWorkdir } = await import('./workdir.ts')
  const workdir = await openWorkdir(parts)
  open.push(() => workdir.close())
  return workdir
}

/** Loads the code of a tool at its first use. */
async function toolsOf(tool: string, { parts, workdir, open }: Building): Promise<readonly Tool[]> {
  const { definition, world } = parts
  const root = workdir?.path ?? ''
  if (!isBuiltIn(tool)) {
    const { ownTool } = await import('./own.ts')
    return [await ownTool(tool, { workdir: root, world })]
  }
  switch (tool) {
    case 'files': {
      const { filesTools } = await import('./files.ts')
      return filesTools({ root, kind: workdir?.kind ?? 'own', world })
    }
    case 'shell': {
      const { shellTool, temporaryIn } = await import('./shell.ts')
      const { hidden, turn } = parts
      const shell = shellTool({ workdir: root, temporary: temporaryIn(root, turn), hidden, world })
      open.push(() => shell.close())
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

// --- what every call is owed ------------------------------------------------------------------------------------------

async function guarded(tool: Tool, parts: ToolParts): Promise<Tool> {
  const { judgeOf } = await import('./input.ts')
  const judge = judgeOf(tool.parameters)
  return {
    ...tool,
    async call(input: ToolInput, scope: ToolScope) {
      try {
        if (scope.signal.aborted) throw failure('cancelled', 'the call was ended')
        const mistake = judge(input)
        if (mistake !== null) throw failure('refused', `${tool.name} cannot be called like this. ${mistake}`)
        return shortened(parts.redact(await tool.call(input, scope)))
      } catch (thrown) {
        throw told(thrown, tool, parts)
      }
    },
  }
}

function failure(reason: 'cancelled' | 'refused', message: string): FailureError {
  return new FailureError({ kind: 'permanent', reason, message })
}

/** A tool's own mistake ends its call and not the session: the model is told, the log has the rest. */
function told(thrown: unknown, { name }: Tool, { redact, log }: ToolParts): FailureError {
  if (thrown instanceof FailureError) {
    const { failure: known } = thrown
    return new FailureError({ ...known, message: redact(known.message) }, { cause: thrown.cause })
  }
  log.error({ tool: name, err: thrown }, 'a tool failed by a defect')
  const message = `${name} failed by a defect; the log has more`
  return new FailureError({ kind: 'permanent', reason: 'defect', message }, { cause: thrown })
}

/** Also text that is no text: a NUL or half a character is refused by some providers, and with it the whole request. */
function shortened(result: string): string {
  const text = result.slice(0, RESULT_UNITS_MAX).replaceAll('\0', '\ufffd').toWellFormed()
  return result.length <= RESULT_UNITS_MAX ? text : `${text}\n[the rest is left out]`
}

function note({ log }: ToolParts, error: unknown): void {
  log.warn({ err: error }, 'something that a tool had open could not be closed')
}
