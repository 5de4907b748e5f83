// History: what a session's history is, read forwards with a stack out of everything that was written. The store reads backwards.

import type { NewTranscriptEntry } from '../../machines/messages.ts'

type Entries = readonly NewTranscriptEntry[]

export function historyOf(entries: Entries): NewTranscriptEntry[] {
  let turns: NewTranscriptEntry[][] = []
  for (const entry of entries) {
    if (entry.role === 'reset') turns = []
    else if (entry.role === 'undo') turns.pop()
    else if (turns.at(-1)?.[0]?.turn === entry.turn) turns.at(-1)?.push(entry)
    else turns.push([entry])
  }
  return turns.flat()
}

/** What a model is told of it; for `/retry` without the turn that is asked again. */
export function toldOf(entries: Entries, ask: { readonly again: boolean }): { role: string; text: string }[] {
  const history = historyOf(entries)
  const last = ask.again ? history.findLast((entry) => entry.role === 'user')?.turn : undefined
  return history
    .filter((entry) => entry.turn !== last)
    .flatMap(({ role, text }) => {
      if (role === 'user') return [{ role, text }]
      return (role === 'assistant' || role === 'partial') && text !== '' ? [{ role: 'assistant', text }] : []
    })
}
