// Toolbox: the tools of each run that has any, built at their first use and closed with the run.
//   A2. A run's tools are its own: they are built for it, and no other run of any session is given them.
//   What is being built when the run ends is closed as soon as it is there.

import type { RunInput } from '../../machines/run-words.ts'
import type { Tool, Toolbox } from '../tools/tool.ts'
import { mcpServers } from './asking.ts'
import type { Parts } from './parts.ts'

/** By session: it has at most one run (S1). */
export type Toolboxes = Map<string, Open>

interface Open {
  readonly turn: string
  readonly opening: Promise<Toolbox>
}

/** A run, and the system that its askings go through. */
export interface Place {
  readonly run: RunInput
  readonly system: unknown
}

/** The tools of a run; none for an agent without any. */
export async function toolsOf(parts: Parts, place: Place): Promise<readonly Tool[]> {
  const { tools, mcp } = place.run.definition
  return tools.length + Object.keys(mcp).length === 0 ? [] : (await toolboxOf(parts, place)).tools
}

export async function workdirOf(parts: Parts, place: Place): Promise<string> {
  return (await toolboxOf(parts, place)).workdir
}

/** Nothing of the run's tools is left when it resolves. */
export async function closeToolbox({ toolboxes, folderUses, log }: Parts, session: string): Promise<void> {
  const open = toolboxes.get(session)
  toolboxes.delete(session)
  if (open === undefined) return
  const { turn, opening } = open
  const closing = opening.then((toolbox) => toolbox.close())
  await folderUses.during({ session, turn }, closing).catch((error: unknown) => {
    log.warn({ session, err: error }, 'the tools of a run were not closed in order')
  })
}

function toolboxOf(parts: Parts, { run, system }: Place): Promise<Toolbox> {
  const { definition, session, turn } = run
  const open = parts.toolboxes.get(session)
  if (open !== undefined) return open.opening
  const { secret, notes, world } = parts
  const data = parts.definition.gateway.data
  const log = parts.log.child({ session, turn, agent: definition.id })
  const mcp = mcpServers(parts, run, system)
  const opening = parts.buildTools({ definition, session, turn, data, secret, notes, mcp, world, log })
  parts.toolboxes.set(session, { turn, opening })
  // A failed building is told to whoever asked, and may be tried again by the next.
  opening.catch(() => parts.toolboxes.get(session)?.opening === opening && parts.toolboxes.delete(session))
  return opening
}
