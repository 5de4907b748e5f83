// Toolbox: the tools of each run that has any, built at their first use and closed with the run.
//   A2. A run's tools are its own: they are built for it, and no other run of any session is given them.
//   What is being built when the run ends is closed as soon as it is there.

import type { RunInput } from '../../machines/run-words.ts'
import type { Tool, Toolbox } from '../tools/tool.ts'
import type { Parts } from './parts.ts'

/** By session: it has at most one run (S1). */
export type Toolboxes = Map<string, Promise<Toolbox>>

/** The tools of a run; none for an agent without any. */
export async function toolsOf(parts: Parts, run: RunInput): Promise<readonly Tool[]> {
  return run.definition.tools.length === 0 ? [] : (await toolboxOf(parts, run)).tools
}

export async function workdirOf(parts: Parts, run: RunInput): Promise<string> {
  return (await toolboxOf(parts, run)).workdir
}

/** Nothing of the run's tools is left when it resolves. */
export async function closeToolbox({ toolboxes, log }: Parts, session: string): Promise<void> {
  const opening = toolboxes.get(session)
  toolboxes.delete(session)
  try {
    await (await opening)?.close()
  } catch (error) {
    log.warn({ session, err: error }, 'the tools of a run were not closed in order')
  }
}

function toolboxOf(parts: Parts, run: RunInput): Promise<Toolbox> {
  const { definition, session, turn } = run
  const open = parts.toolboxes.get(session)
  if (open !== undefined) return open
  const { secret, notes, world } = parts
  const data = parts.definition.gateway.data
  const log = parts.log.child({ session, turn, agent: definition.id })
  const opening = parts.buildTools({ definition, session, turn, data, secret, notes, world, log })
  parts.toolboxes.set(session, opening)
  // A failed building is told to whoever asked, and may be tried again by the next.
  opening.catch(() => parts.toolboxes.get(session) === opening && parts.toolboxes.delete(session))
  return opening
}
