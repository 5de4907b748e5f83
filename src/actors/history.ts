// History: what a model is told of earlier turns.
//   What an agent did with tools is told as calls only beside those tools: providers refuse calls of what they are not shown.

import { PAST_RESULT_UNITS_MAX } from '../../machines/limits.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import type { RunInput } from '../../machines/run-words.ts'
import type { Step } from '../../machines/steps.ts'
import type { HistoryMessage, Shown } from '../agents/agent.ts'

/** A cancelled turn's question stays, a failure's words do not. */
export function toldHistory(
  { history, messages, definition }: Pick<RunInput, 'history' | 'messages' | 'definition'>,
  shown: ReadonlyMap<TranscriptEntry, readonly Shown[]> = new Map(),
): HistoryMessage[] {
  const inGroup = messages[0]?.kind === 'group'
  const hasTools = definition.tools.length > 0
  return history.flatMap((entry): HistoryMessage[] => {
    const { role, text, sender, steps } = entry
    const files = shown.get(entry)
    if (role === 'user')
      return [{ role, text, sender: inGroup ? sender : null, ...(files === undefined ? {} : { shown: files }) }]
    if (role === 'summary') return [{ role: 'user', text: `What was said before, in short:\n\n${text}` }]
    const said = (role === 'assistant' || role === 'partial') && text !== ''
    const done = hasTools ? doneWithTools(steps) : doneInWords(steps)
    return said ? [...done, { role: 'assistant', text }] : done
  })
}

function doneWithTools(steps: readonly Step[]): HistoryMessage[] {
  return steps.length === 0 ? [] : [{ role: 'assistant', text: '', steps: steps.map(shortened) }]
}

function doneInWords(steps: readonly Step[]): HistoryMessage[] {
  const calls = steps.flatMap((step) => (step.kind === 'answer' ? step.calls : []))
  const lines = calls.map(({ id, tool, input }) => {
    const result = steps.find((step) => step.kind === 'result' && step.call === id)
    const text = result?.kind === 'result' ? shortenedText(result.text) : 'it was ended before it was done'
    return `(I used ${tool} with ${JSON.stringify(input)}: ${text})`
  })
  return lines.length === 0 ? [] : [{ role: 'assistant', text: lines.join('\n') }]
}

function shortened(step: Step): Step {
  return step.kind === 'result' ? { ...step, text: shortenedText(step.text) } : step
}

function shortenedText(text: string): string {
  return text.length <= PAST_RESULT_UNITS_MAX ? text : `${text.slice(0, PAST_RESULT_UNITS_MAX)}\n(shortened)`
}
