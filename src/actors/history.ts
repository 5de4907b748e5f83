// History: what a model is told of earlier turns.
//   What an agent did with tools is told as calls only beside those tools: providers refuse calls of what they are not shown. One may be
//   gone since: its MCP server does not run, the file names it no more, or there never was one of that name.

import { PAST_RESULT_UNITS_MAX } from '../../machines/limits.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import type { RunInput } from '../../machines/run-words.ts'
import type { Step, ToolCall } from '../../machines/steps.ts'
import type { HistoryMessage, Shown, ToolSpec } from '../agents/agent.ts'

/** What stands in the request beside the history. */
interface Beside {
  readonly tools: readonly Pick<ToolSpec, 'name'>[]
  /** Files that are shown once more. */
  readonly shown?: ReadonlyMap<TranscriptEntry, readonly Shown[]>
}

/** A cancelled turn's question stays, a failure's words do not. */
export function toldHistory(
  { history, messages }: Pick<RunInput, 'history' | 'messages'>,
  { tools, shown = new Map() }: Beside,
): HistoryMessage[] {
  const inGroup = messages[0]?.kind === 'group'
  const names = new Set(tools.map(({ name }) => name))
  return history.flatMap((entry): HistoryMessage[] => {
    const { role, text, sender, steps } = entry
    const files = shown.get(entry)
    if (role === 'user')
      return [{ role, text, sender: inGroup ? sender : null, ...(files === undefined ? {} : { shown: files }) }]
    if (role === 'summary') return [{ role: 'user', text: `What was said before, in short:\n\n${text}` }]
    const said = (role === 'assistant' || (role === 'partial' && !isInStep(text, steps))) && text !== ''
    const done = callsIn(steps).every(({ tool }) => names.has(tool)) ? doneWithTools(steps) : doneInWords(steps)
    return said ? [...done, { role: 'assistant', text }] : done
  })
}

function doneWithTools(steps: readonly Step[]): HistoryMessage[] {
  return steps.length === 0 ? [] : [{ role: 'assistant', text: '', steps: steps.map(shortened) }]
}

/** A run that was ended among its tools: what people had seen last is the text of its last step, which is told. */
function isInStep(text: string, steps: readonly Step[]): boolean {
  const last = steps.findLast((step) => step.kind === 'answer')
  return last?.kind === 'answer' && last.text === text
}

function callsIn(steps: readonly Step[]): readonly ToolCall[] {
  return steps.flatMap((step) => (step.kind === 'answer' ? step.calls : []))
}

function doneInWords(steps: readonly Step[]): HistoryMessage[] {
  const lines = steps.flatMap((step) => {
    if (step.kind !== 'answer') return []
    return [...(step.text.trim() === '' ? [] : [step.text]), ...step.calls.map((call) => usedInWords(call, steps))]
  })
  return lines.length === 0 ? [] : [{ role: 'assistant', text: lines.join('\n') }]
}

function usedInWords({ id, tool, input }: ToolCall, steps: readonly Step[]): string {
  const result = steps.find((step) => step.kind === 'result' && step.call === id)
  const text = result?.kind === 'result' ? shortenedText(result.text) : 'it was ended before it was done'
  return `(I used ${tool} with ${JSON.stringify(input)}: ${text})`
}

function shortened(step: Step): Step {
  return step.kind === 'result' ? { ...step, text: shortenedText(step.text) } : step
}

function shortenedText(text: string): string {
  return text.length <= PAST_RESULT_UNITS_MAX ? text : `${text.slice(0, PAST_RESULT_UNITS_MAX)}\n(shortened)`
}
