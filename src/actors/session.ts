// Session actor: the session's machine with its effects. Every write goes through the store's one queue, so that what a session
// decides first is on disk first.
//   S3. A delivery is woken only after the commit that holds its reply.

import { fromPromise } from 'xstate'
import type { UndoCommits } from '../../machines/commits.ts'
import { failureOf } from '../../machines/failure.ts'
import type { Commit, NotesQuestion } from '../../machines/messages.ts'
import { sessionMachine } from '../../machines/session.ts'
import { forgottenNote, listedNotes, MEMORY_OFF, MEMORY_USAGE } from '../../machines/notes.ts'
import { endingItsChildren } from './ending.ts'
import { lookAtTurnEnds } from './folders.ts'
import { observed } from './observed.ts'
import { type Parts, wakeDeliveries } from './parts.ts'
import { prepare } from './prepare.ts'
import { runActor } from './run.ts'
import { lookAtRunEnds } from './run-ends.ts'
import { lookAtTurns } from './turns.ts'

export function sessionActor(parts: Parts) {
  const { store, log } = parts
  const machine = sessionMachine.provide({
    actors: {
      run: runActor(parts),
      prepare: fromPromise(({ input, signal, system }) => prepare(parts, input, { signal, system })),
      commit: fromPromise(({ input, system }) => commit(parts, input, system)),
    },
    actions: {
      record: ({ self, system }, params) => {
        commit(parts, withPartial(parts, params), system).catch((error: unknown) => {
          self.send({ type: 'record.failed', failure: failureOf(error) })
        })
      },
      undo: ({ self, system }, params) => {
        undo(parts, params, system).catch((error: unknown) => {
          self.send({ type: 'record.failed', failure: failureOf(error) })
        })
      },
      releaseTries: (_, { seqs }) => {
        if (seqs.length === 0) return
        store.release(seqs).catch((error: unknown) => log.warn({ err: error }, 'tries were not taken back'))
      },
      show: ({ context }, { conversation, progress }) => {
        parts.adapters.get(context.channel)?.show(conversation, progress)
      },
    },
  })
  const turns = observed(machine, lookAtTurns(parts.observe), log)
  const ends = observed(turns, lookAtTurnEnds(parts), log)
  return endingItsChildren(observed(ends, lookAtRunEnds(parts), log))
}

/** A turn that was cancelled keeps in the history what people had seen of its answer, unless the definition drops it. */
function withPartial({ said }: Parts, content: Commit): Commit {
  const { sessionKey, entries, keepsPartial } = content
  const partial = entries.find(({ role }) => role === 'partial')
  if (sessionKey === null || partial === undefined) return content
  const text = said.of(sessionKey, partial.turn)
  if (keepsPartial !== true) return content
  return { ...content, entries: entries.map((entry) => (entry === partial ? { ...entry, text } : entry)) }
}

async function commit(parts: Parts, content: Commit, system: unknown): Promise<void> {
  await parts.store.commit(content.notes === undefined ? content : await withNotes(parts, content, content.notes))
  const { sessionKey, entries } = content
  if (sessionKey !== null) for (const { turn } of entries) parts.said.forget(sessionKey, turn)
  wakeDeliveries(content, system)
}

async function undo(parts: Parts, commits: UndoCommits, system: unknown): Promise<void> {
  await parts.store.commitUndo(commits)
  wakeDeliveries(commits.done, system)
}

async function withNotes(parts: Parts, content: Commit, question: NotesQuestion): Promise<Commit> {
  const text = await notesText(parts, question)
  return { ...content, replies: content.replies.map((reply) => ({ ...reply, text })) }
}

async function notesText({ definition, notes }: Parts, { agent, owner, request }: NotesQuestion): Promise<string> {
  if (definition.agents[agent]?.tools.includes('memory') !== true) return MEMORY_OFF
  switch (request.kind) {
    case 'unclear':
      return MEMORY_USAGE
    case 'list':
      return listedNotes(await notes.list(agent, owner))
    case 'forget': {
      const removed = await notes.remove(agent, owner, request.number)
      return forgottenNote(request.number, removed ? 'removed' : 'unknown')
    }
  }
}
