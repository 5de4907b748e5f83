// Session actor: the session's machine with its effects. Every write goes through the store's one queue, so that what a session
// decides first is on disk first.
//   S3. A delivery is woken only after the commit that holds its reply.

import { fromPromise } from 'xstate'
import type { UndoCommits } from '../../machines/commits.ts'
import { FailureError, failureOf } from '../../machines/failure.ts'
import type { Inbox } from '../../machines/inbox.ts'
import type { Commit, TranscriptEntry } from '../../machines/messages.ts'
import { sessionMachine } from '../../machines/session.ts'
import type { Prepared } from '../../machines/session-words.ts'
import { endingItsChildren } from './ending.ts'
import { type Parts, tellGateway } from './parts.ts'
import { runActor } from './run.ts'

export function sessionActor(parts: Parts) {
  const { store, log } = parts
  const machine = sessionMachine.provide({
    actors: {
      run: runActor(parts),
      prepare: fromPromise(({ input }) => prepare(parts, input)),
      commit: fromPromise(({ input, system }) => commit(parts, input, system)),
    },
    actions: {
      record: ({ self, system }, params) => {
        commit(parts, params, system).catch((error: unknown) => {
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

async function prepare(parts: Parts, { key, turn }: { key: string; turn: Inbox }): Promise<Prepared> {
  const begun = await parts.store.begin(
    key,
    turn.map((item) => item.message.seq),
  )
  const retry = turn.find((item) => item.retry)
  if (retry === undefined) return { ...begun, turn }
  const last = lastTurn(begun.history)
  if (last === null) throw new FailureError(NOTHING_TO_RETRY)
  return {
    ...begun,
    history: last.before,
    turn: turn.map((item) => (item.retry ? { ...item, text: last.text } : item)),
  }
}

async function commit(parts: Parts, content: Commit, system: unknown): Promise<void> {
  await parts.store.commit(content)
  wakeDeliveries(content, system)
}

async function undo(parts: Parts, commits: UndoCommits, system: unknown): Promise<void> {
  await parts.store.commitUndo(commits)
  wakeDeliveries(commits.done, system)
}

function wakeDeliveries({ channel, replies }: Commit, system: unknown): void {
  for (const conversation of new Set(replies.map((reply) => reply.conversation))) {
    tellGateway(system, { type: 'outbox.owed', channel, conversation })
  }
}

/** The last turn of a history: what was asked in it, and what came before it. */
function lastTurn(history: readonly TranscriptEntry[]): { text: string; before: TranscriptEntry[] } | null {
  const last = history.findLast((entry) => entry.role === 'user')
  if (last === undefined) return null
  const asked = history.filter((entry) => entry.turn === last.turn && entry.role === 'user')
  return {
    text: asked.map((entry) => entry.text).join('\n'),
    before: history.filter((entry) => entry.turn !== last.turn),
  }
}

const NOTHING_TO_RETRY = {
  kind: 'permanent',
  reason: 'notFound',
  message: 'there is no earlier message to answer again',
} as const
