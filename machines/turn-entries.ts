// Turn entries: what a turn leaves in the record of its session: what was asked, and how it ended. Pure.

import type { RunOutcome, Speaker } from './commits.ts'
import { sayable } from './failure.ts'
import { type Inbox, turnTexts } from './inbox.ts'
import type { NewTranscriptEntry } from './messages.ts'
import type { Credit } from './usage.ts'

/** What a cancelled turn leaves in the history: what was asked, and what of the answer had been seen. */
export function cancelledEntries(speaker: Speaker): NewTranscriptEntry[] {
  if (speaker.turn.length === 0 || speaker.turnId === '') return []
  const asked = userEntries(speaker, speaker.turn)
  if (asked.length === 0) return []
  return [...asked, { role: 'partial', turn: speaker.turnId, text: '', sender: null }]
}

export function turnEntries(speaker: Speaker, toAnswer: Inbox, outcome: RunOutcome): NewTranscriptEntry[] {
  if (toAnswer.some((item) => item.task === 'compact')) return summaryEntries(speaker, outcome)
  const again: NewTranscriptEntry = { role: 'undo', turn: speaker.turnId, text: '', sender: null }
  const asked = userEntries(speaker, toAnswer)
  if (asked.length === 0) return []
  const answered = [...asked, outcomeEntry(speaker, outcome)]
  return toAnswer.some((item) => item.task === 'retry') && outcome.kind === 'answered' ? [again, ...answered] : answered
}

/** A summary that failed leaves the history as it was. */
function summaryEntries(speaker: Speaker, outcome: RunOutcome): NewTranscriptEntry[] {
  if (outcome.kind === 'failed') return []
  return [{ role: 'summary', turn: speaker.turnId, text: outcome.text, sender: null, ...creditOf(outcome) }]
}

/** A `/retry` that never learned what it was to ask again has asked nothing; a `/compact` asks nothing at all. */
function userEntries(speaker: Speaker, turn: Inbox): NewTranscriptEntry[] {
  const asking = turn.filter(({ task, text }) => task === 'answer' || (task === 'retry' && text !== ''))
  const asked = turnTexts(asking).map(({ item, text, shown }) => ({
    text,
    sender: item.message.sender,
    ...(shown.length === 0 ? {} : { shown }),
  }))
  const given = asked.length === 0 ? [] : speaker.given
  const told = given.map(({ text, sender }) => ({ text, sender }))
  return [...asked, ...told].map((entry) => ({ role: 'user', turn: speaker.turnId, ...entry }))
}

function outcomeEntry(speaker: Speaker, outcome: RunOutcome): NewTranscriptEntry {
  const role = outcome.kind === 'answered' ? 'assistant' : 'failure'
  return { role, turn: speaker.turnId, text: outcomeText(outcome), sender: null, ...creditOf(outcome) }
}

function creditOf({ model, spent }: RunOutcome): Partial<Credit> {
  return model === undefined ? {} : { model, spent: spent ?? null }
}

/** As people read it, in the reply and in the record. */
export function outcomeText(outcome: RunOutcome): string {
  if (outcome.kind === 'answered') return outcome.text
  return `I could not answer: ${sayable(outcome.failure)}`
}
