// History: how much of it a model is given. Pure.
//   What does not fit is summarised before the run, or left out: the oldest turns first, each whole. A summary at the beginning
//   stands for all that was before it, and goes last.
//   How many tokens a text is, is an estimate: three bytes are one. Measured with tokenizers of OpenAI and Anthropic, prose has 3 to
//   9 bytes a token in English, German, Russian, Arabic, Hindi, Chinese and Japanese, source code 4, JSON and CSS 2.5 to 3; ids and
//   emoji have less, for which `compact_at` leaves room. Where a provider has counted more, its own count is taken.

import type { AgentDefinition } from './definitions.ts'
import { PAST_RESULT_UNITS_MAX, SHOWN_AGAIN_TURNS, SHOWN_FILE_TOKENS } from './limits.ts'
import type { ShownFile } from './media.ts'
import type { TranscriptEntry } from './messages.ts'
import type { Step } from './steps.ts'
import { isTold, tokensOf } from './usage.ts'

/** As much of a request as is given before a run did anything. */
export interface FirstRequest {
  readonly definition: AgentDefinition
  readonly history: readonly TranscriptEntry[]
  readonly messages: readonly { readonly text: string; readonly shown?: readonly ShownFile[] }[]
}

/** What a model is asked in the place of a turn when its history is to become a summary. */
export const SUMMARISE =
  'Summarise our conversation so far, for yourself to go on from: what was asked and decided, facts, names, numbers and open questions. Leave out nothing that later answers may need. Answer with the summary alone.'

/** The history without the oldest turns that have no room beside the instructions and the messages. */
export function fitting(request: FirstRequest): readonly TranscriptEntry[] {
  const { history, definition } = request
  const room = roomOf(definition)
  let over = room === null ? 0 : requestTokens(request) - room
  if (over <= 0) return history
  const summary = history.slice(0, history[0]?.role === 'summary' ? 1 : 0)
  let turns = history.slice(summary.length)
  while (over > 0 && turns.length > 0) {
    const [first] = turns
    const next = turns.findIndex(({ turn }) => turn !== first?.turn)
    const oldest = next < 0 ? turns : turns.slice(0, next)
    over -= oldest.reduce((tokens, entry) => tokens + entryTokens(entry), 0)
    turns = turns.slice(oldest.length)
  }
  return over > 0 ? [] : [...summary, ...turns]
}

/** About how many tokens the first request of a run takes: rather too many, so that there is room. */
export function requestTokens(request: FirstRequest): number {
  const { definition, history } = request
  const counted = history.findLastIndex(isCounted)
  const spent = history[counted]?.spent ?? null
  const before = textTokens(definition.instructions) + entriesTokens(history.slice(0, counted + 1))
  // A count is also of what the estimate does not know: the tools' own descriptions, and how a provider writes a request down.
  const known = spent === null ? before : Math.max(before, tokensOf(spent))
  return known + entriesTokens(history.slice(counted + 1)) + turnTokens(request)
}

export function entriesTokens(entries: readonly TranscriptEntry[]): number {
  return entries.reduce((tokens, entry) => tokens + entryTokens(entry), 0)
}

/** The turn's own messages, and the files that are shown with them. */
export function turnTokens({ history, messages }: Omit<FirstRequest, 'definition'>): number {
  const files = [...messages, ...shownAgain({ history, messages })].flatMap(({ shown = [] }) => shown)
  const texts = messages.reduce((tokens, { text }) => tokens + MESSAGE_TOKENS + textTokens(text), 0)
  return texts + files.length * SHOWN_FILE_TOKENS
}

/**
 * Entries of the history whose files are shown once more: those of the newest turn that had any, so that people can go on asking
 * about a picture. Not beside files of the turn itself, not for ever (each answer pays for them), and not when that turn failed: a server
 * that does not take them would refuse every turn after it.
 */
export function shownAgain({ history, messages }: Omit<FirstRequest, 'definition'>): readonly TranscriptEntry[] {
  if (messages.some(({ shown = [] }) => shown.length > 0)) return []
  const newest = history.findLast(({ shown }) => shown !== undefined)
  if (newest === undefined) return []
  const isAnswered = history.some(
    ({ turn, role }) => turn === newest.turn && (role === 'assistant' || role === 'partial'),
  )
  const later = new Set(history.slice(history.indexOf(newest)).map(({ turn }) => turn))
  if (!isAnswered || later.size > SHOWN_AGAIN_TURNS) return []
  return history.filter(({ turn, shown }) => turn === newest.turn && shown !== undefined)
}

/** How many tokens a run may begin with; null: its model reads no history. */
function roomOf({ model, compactAt }: AgentDefinition): number | null {
  return model.provider === 'echo' ? null : Math.floor(model.contextTokens * compactAt)
}

/** The provider counted all that stood before this answer, and the answer; with tools it counted more than is told later. */
export function isCounted({ role, spent, steps }: TranscriptEntry): boolean {
  return role === 'assistant' && isTold(spent) && steps.length === 0
}

/** What stands around a text in a request. */
const MESSAGE_TOKENS = 4

const BYTES_PER_TOKEN = 3

function entryTokens({ role, text, steps }: TranscriptEntry): number {
  const done = steps.reduce((tokens, step) => tokens + stepTokens(step, PAST_RESULT_UNITS_MAX), 0)
  return role === 'failure' ? done : done + MESSAGE_TOKENS + textTokens(text)
}

/** `resultUnitsMax`: results are told as far as this; those of the run that goes on, whole. */
export function stepTokens(step: Step, resultUnitsMax: number): number {
  switch (step.kind) {
    case 'answer':
      return MESSAGE_TOKENS + textTokens(step.text) + textTokens(JSON.stringify(step.calls.map(({ input }) => input)))
    case 'result':
      return MESSAGE_TOKENS + textTokens(step.text.slice(0, resultUnitsMax))
    case 'steering':
      return step.messages.reduce((tokens, { text }) => tokens + MESSAGE_TOKENS + textTokens(text), 0)
    case 'decision':
    case 'begin':
      return 0
  }
}

export function textTokens(text: string): number {
  return bytesTokens(textBytes(text))
}

export function bytesTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN)
}

/** In UTF-8. */
export function textBytes(text: string): number {
  let bytes = 0
  for (let unit = 0; unit < text.length; unit += 1) {
    const code = text.charCodeAt(unit)
    // Each half of a surrogate pair is two of its four bytes.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3
  }
  return bytes
}
