// Folders: the folder of a turn whose agent has one for each run: it goes with the end of its turn, however that came, and not before all
// that works in it has ended. A turn that a shutdown or a crash ends goes on in another life, and finds its files.

import type { AgentDefinition } from '../../machines/definitions.ts'
import type { sessionMachine } from '../../machines/session.ts'
import { usesFolder } from '../../machines/tool-names.ts'
import type { Look } from './observed.ts'
import { agentFor, type Parts } from './parts.ts'

export interface OfTurn {
  readonly session: string
  readonly turn: string
}

/** What works in which folder at this moment. */
export class FolderUses {
  readonly #uses = new Map<string, Set<Promise<unknown>>>()

  /** Until it settles, `work` needs the folder. */
  during<T>(of: OfTurn, work: Promise<T>): Promise<T> {
    const key = keyOf(of)
    const uses = this.#uses.get(key) ?? new Set()
    this.#uses.set(key, uses.add(work))
    const end = (): void => {
      uses.delete(work)
      if (uses.size === 0 && this.#uses.get(key) === uses) this.#uses.delete(key)
    }
    work.then(end, end)
    return work
  }

  /** Resolves when nothing needs it any more. */
  async ended(of: OfTurn): Promise<void> {
    for (;;) {
      const uses = this.#uses.get(keyOf(of))
      if (uses === undefined) return
      await Promise.allSettled(uses)
    }
  }
}

function keyOf({ session, turn }: OfTurn): string {
  return `${session} ${turn}`
}

/** Removes the folder of each turn that ends. */
export function lookAtTurnEnds(parts: Parts): Look<typeof sessionMachine> {
  return ({ before, event, after }) => {
    const { turnId: turn, key: session, channel, agent } = before.context
    if (turn === '' || after?.status !== 'active' || after.context.turnId === turn) return
    if (event.type === 'drain' || event.type === 'halt') return
    const definition = before.context.definition ?? agentFor(parts, channel, agent)
    if (definition !== undefined && hasOne(definition)) void remove(parts, { session, turn })
  }
}

function hasOne({ workdir, tools }: AgentDefinition): boolean {
  return workdir === 'per_run' && tools.some(usesFolder)
}

async function remove({ definition, folderUses, removeFolder, log }: Parts, of: OfTurn): Promise<void> {
  // What a transition ends learns of it right after it.
  await Promise.resolve()
  await folderUses.ended(of)
  await removeFolder({ ...of, data: definition.gateway.data }).catch((error: unknown) =>
    log.warn({ ...of, err: error }, 'the work folder of a run could not be removed'),
  )
}
