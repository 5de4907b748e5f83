// Folders: what was made for a turn alone goes with its end, however that came, and not before all that works there has ended: the folder
// of an agent that has one for each run; in others, what the end of an earlier process left. A turn that a shutdown or a crash ends
// goes on in another life, and finds its files.

import type { AgentDefinition } from '../../machines/definitions.ts'
import type { Inbox } from '../../machines/inbox.ts'
import type { sessionMachine } from '../../machines/session.ts'
import { type SessionContext, turnAgent } from '../../machines/session-context.ts'
import { turnIdOf } from '../../machines/steps.ts'
import { usesFolder } from '../../machines/tool-names.ts'
import type { ClearedParts } from '../tools/tool.ts'
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

/** Clears the folder of each turn that ends. */
export function lookAtTurnEnds(parts: Parts): Look<typeof sessionMachine> {
  return ({ before, event, after }) => {
    if (after?.status !== 'active' || event.type === 'drain' || event.type === 'halt') return
    const [was, is] = [before.context, after.context]
    if (was.turnId === is.turnId && was.waiting.length <= is.waiting.length) return
    const { key: session, channel, agent } = was
    for (const { turn, items, begun } of endedTurns(was, is)) {
      const definition = begun ?? agentFor(parts, channel, turnAgent({ turn: items, agent }))
      if (definition === undefined) continue
      const isBegunBefore = items.some(({ message }) => message.again === 'restart')
      const seqs = items.map(({ message }) => message.seq)
      if (isBegunBefore || hasOne(definition)) void clear(parts, { definition, session, turn, seqs })
    }
  }
}

interface EndedTurn {
  readonly turn: string
  readonly items: Inbox
  /** What its run began with; null: it was not prepared. */
  readonly begun: AgentDefinition | null
}

/** The one that was at work, and those that an earlier life had begun and that nobody takes up any more. */
function endedTurns(was: SessionContext, is: SessionContext): readonly EndedTurn[] {
  const { turnId, turn: items, definition: begun } = was
  const ended = turnId === '' || turnId === is.turnId ? [] : [{ turn: turnId, items, begun }]
  const before = was.waiting.filter(({ message }) => message.again === 'restart')
  if (before.length === 0) return ended
  const kept = new Set([...is.turn, ...is.waiting].map(({ message }) => message.seq))
  const dropped = before.filter(({ message }) => !kept.has(message.seq))
  return [...ended, ...dropped.map((item) => ({ turn: turnIdOf(item.message), items: [item], begun: null }))]
}

function hasOne({ workdir, tools }: AgentDefinition): boolean {
  return workdir === 'per_run' && tools.some(usesFolder)
}

type Clearing = OfTurn & Pick<ClearedParts, 'definition' | 'seqs'>

async function clear({ definition: file, folderUses, clearFolder, log }: Parts, of: Clearing): Promise<void> {
  const { session, turn } = of
  // What a transition ends learns of it right after it.
  await Promise.resolve()
  await folderUses.ended(of)
  await clearFolder({ ...of, data: file.gateway.data }).catch((error: unknown) =>
    log.warn({ session, turn, err: error }, 'what a turn left in its work folder could not be removed'),
  )
}
