// Session record: what became of a session's messages, turns, steps and replies, as people see it.

import type { SessionState } from '../../machines/messages.ts'
import type { RecordEntryView, RecordView } from '../http/port.ts'
import type { RecordEntry, RecordPlace, Store } from '../store/store.ts'
import { sessionView } from './records.ts'

export interface RecordParts {
  readonly store: Store
  readonly stateOf: () => ReadonlyMap<string, SessionState>
}

/** null: no such session. `before` is what an earlier page has under `older`. */
export async function sessionRecord(
  { store, stateOf }: RecordParts,
  key: string,
  { before, limit }: { before: string | null; limit: number },
): Promise<RecordView | null> {
  const place = before === null ? null : placeOf(before)
  // Asked together, so that they are of one moment.
  const [[session], { entries, older }] = await Promise.all([
    store.sessions(1, { only: [key] }),
    store.record(key, place, limit),
  ])
  if (session === undefined) return null
  const view = sessionView(session, stateOf())
  return { session: view, entries: entries.map(viewOf), older: older === null ? null : textOf(older) }
}

function textOf({ message, transcript, step, delivery }: RecordPlace): string {
  return [message, transcript, step, delivery].join('.')
}

function placeOf(text: string): RecordPlace {
  const [message = 0, transcript = 0, step = 0, delivery = 0] = text.split('.').map(Number)
  return { message, transcript, step, delivery }
}

function viewOf(entry: RecordEntry): RecordEntryView {
  switch (entry.kind) {
    case 'message': {
      const { kind, seq, atMs, settledAtMs, ...rest } = entry
      return { kind, id: seq, at: iso(atMs), ...rest, settled_at: settledAtMs === null ? null : iso(settledAtMs) }
    }
    case 'transcript': {
      // What its run did stands beside it, as entries of their own.
      const { kind, seq, atMs, steps: _, ...rest } = entry
      return { kind, id: seq, at: iso(atMs), ...rest }
    }
    case 'step': {
      const { kind, seq, turn, atMs, step } = entry
      return { kind, id: seq, at: iso(atMs), turn, step }
    }
    case 'delivery': {
      const { kind, id, text, atMs, partsSent, outcome, deliveredAtMs, uncertain } = entry
      const delivered_at = deliveredAtMs === null ? null : iso(deliveredAtMs)
      return { kind, id, at: iso(atMs), text, parts_sent: partsSent, outcome, delivered_at, uncertain }
    }
    case 'deadLetter': {
      const { id, of, text, reason, atMs } = entry
      return { kind: 'dead_letter', id, at: iso(atMs), of, text, reason }
    }
  }
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString()
}
