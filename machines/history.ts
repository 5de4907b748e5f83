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
import { tokensOf } from './usage.ts'

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

/** About how many tokens the first request of a run takes. */
export function requestTokens({ definition, history, messages }: FirstRequest): number {
  const instructions = textTokens(definition.instructions)
  const entries = history.map(entryTokens)
  const before = (count: number) => entries.slice(0, count).reduce((tokens, one) => tokens + one, instructions)
  const files = [...messages, ...shownAgain({ history, messages })].flatMap(({ shown = [] }) => shown)
  const texts = messages.reduce((tokens, { text }) => tokens + MESSAGE_TOKENS + textTokens(text), 0)
  const turn = texts + files.length * SHOWN_FILE_TOKENS
  const counted = history.findLastIndex(isCounted)
  const spent = history[counted]?.spent ?? null
  // Also what the estimate does not know of: the tools' own descriptions, and how a provider writes a request down.
  const unknown = spent === null ? 0 : Math.max(0, tokensOf(spent) - before(counted + 1))
  return before(history.length) + turn + unknown
}

/**
 * Entries of the history whose files are shown once more: those of the newest turn that had any, so that people can go on asking
 * about a picture. Not beside files of the turn itself, and not for ever: each answer pays for them.
 */
export function shownAgain({ history, messages }: Omit<FirstRequest, 'definition'>): readonly TranscriptEntry[] {
  if (messages.some(({ shown = [] }) => shown.length > 0)) return []
  const newest = history.findLast(({ shown }) => shown !== undefined)
  if (newest === undefined) return []
  const later = new Set(history.slice(history.indexOf(newest)).map(({ turn }) => turn))
  if (later.size > SHOWN_AGAIN_TURNS) return []
  return history.filter(({ turn, shown }) => turn === newest.turn && shown !== undefined)
}

/** How many tokens a run may begin with; null: its model reads no history. */
function roomOf({ model, compactAt }: AgentDefinition): number | null {
  return model.provider === 'echo' ? null : Math.floor(model.contextTokens * compactAt)
}

/** The provider counted all that stood before this answer, and the answer; with tools it counted more than is told later. */
function isCounted({ role, spent, steps }: TranscriptEntry): boolean {
  return role === 'assistant' && spent != null && steps.length === 0
}

/** What stands around a text in a request. */
const MESSAGE_TOKENS = 4

const BYTES_PER_TOKEN = 3

function entryTokens({ role, text, steps }: TranscriptEntry): number {
  const done = steps.reduce((tokens, step) => tokens + stepTokens(step), 0)
  return role === 'failure' ? done : done + MESSAGE_TOKENS + textTokens(text)
}

function stepTokens(step: Step): number {
  switch (step.kind) {
    case 'answer':
      return MESSAGE_TOKENS + textTokens(step.text) + textTokens(JSON.stringify(step.calls.map(({ input }) => input)))
    case 'result':
      return MESSAGE_TOKENS + textTokens(step.text.slice(0, PAST_RESULT_UNITS_MAX))
    case 'steering':
      return step.messages.reduce((tokens, { text }) => tokens + MESSAGE_TOKENS + textTokens(text), 0)
    case 'decision':
    case 'begin':
      return 0
  }
}

export function textTokens(text: string): number {
  let bytes = 0
  for (let unit = 0; unit < text.length; unit += 1) {
    const code = text.charCodeAt(unit)
    // Each half of a surrogate pair is two of its four bytes.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3
  }
  return Math.ceil(bytes / BYTES_PER_TOKEN)
}
