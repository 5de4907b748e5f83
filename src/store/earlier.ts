// Earlier: what stands in a history before a message, where its client says so: what was said in a conversation that the client
// keeps, and what the client wants to be known. Pure.
//   Each question with its answer is a turn of its own, so that the oldest of them can be left out when there is no room.

import { HISTORY_ENTRIES_MAX } from '../../machines/limits.ts'
import type { NewTranscriptEntry, TranscriptEntry } from '../../machines/messages.ts'
import type { NewMessage } from './store.ts'

/** `history` is asked only where something hangs on it. No more is written than a run is ever given. */
export function entriesBefore(
  { earlier = [], brief, sender }: NewMessage,
  seq: number,
  history: () => readonly TranscriptEntry[],
): NewTranscriptEntry[] {
  const isNews = brief !== undefined && !history().some(({ role, text }) => role === 'user' && text === brief)
  const entries: NewTranscriptEntry[] = isNews
    ? [{ role: 'user', turn: turnOf(seq, 0), text: brief, sender: null }]
    : []
  let turns = 0
  let before: string = 'assistant'
  for (const { role, text } of earlier.slice(-HISTORY_ENTRIES_MAX)) {
    if (role === 'user' && before === 'assistant') turns += 1
    before = role
    entries.push({ role, turn: turnOf(seq, turns), text, sender: role === 'user' ? sender : null })
  }
  return entries
}

/** No run has a turn of this name. */
function turnOf(seq: number, number: number): string {
  return `before-${seq}-${number}`
}
