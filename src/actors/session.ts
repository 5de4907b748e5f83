// Session actor: the session's machine with its effects. Every write goes through the store's one queue, so that what a session
// decides first is on disk first.

import { fromPromise } from 'xstate'
import type { UndoCommits } from '../../machines/commits.ts'
import { failureOf } from '../../machines/failure.ts'
import type { Commit } from '../../machines/messages.ts'
import { sessionMachine } from '../../machines/session.ts'
import { endingItsChildren } from './ending.ts'
import { commit, wakeDeliveries } from './owed.ts'
import type { Parts } from './parts.ts'
import { prepare } from './prepare.ts'
import { runActor } from './run.ts'

export function sessionActor(parts: Parts) {
  const { store, log } = parts
  const machine = sessionMachine.provide({
    actors: {
      run: runActor(parts),
      prepare: fromPromise(({ input, signal, system }) => prepare(parts, input, { signal, system })),
      commit: fromPromise(({ input, system }) => {
        // The answer is whole: what was seen of it on the way is not needed any more.
        if (input.sessionKey !== null) parts.said.take(input.sessionKey)
        return commit(parts, input, system)
      }),
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
  return endingItsChildren(machine)
}

/** A turn that was cancelled keeps in the history what people had seen of its answer, unless the definition drops it. */
function withPartial({ said }: Parts, content: Commit): Commit {
  const { sessionKey, entries, keepsPartial } = content
  if (sessionKey === null || !entries.some(({ role }) => role === 'partial')) return content
  const text = said.take(sessionKey)
  if (keepsPartial !== true) return content
  return { ...content, entries: entries.map((entry) => (entry.role === 'partial' ? { ...entry, text } : entry)) }
}

async function undo(parts: Parts, commits: UndoCommits, system: unknown): Promise<void> {
  await parts.store.commitUndo(commits)
  wakeDeliveries(commits.done, system)
}
