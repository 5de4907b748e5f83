// History: what a session's history is, read forwards with a stack out of everything that was written. The store reads backwards.

import type { NewTranscriptEntry } from '../../machines/messages.ts'
import type { Step } from '../../machines/steps.ts'

type Entries = readonly NewTranscriptEntry[]

/** One turn; or a summary, and under it what it stands for. */
interface Frame {
  readonly entries: NewTranscriptEntry[]
  readonly under: readonly Frame[]
}

export function historyOf(entries: Entries): NewTranscriptEntry[] {
  let frames: Frame[] = []
  for (const entry of entries) {
    const last = frames.at(-1)
    if (entry.role === 'reset') frames = []
    else if (entry.role === 'undo') frames = [...frames.slice(0, -1), ...(last?.under ?? [])]
    else if (entry.role === 'summary') frames = [{ entries: [entry], under: frames }]
    else if (last?.entries[0]?.turn === entry.turn) last.entries.push(entry)
    else frames = [...frames, { entries: [entry], under: [] }]
  }
  return frames.flatMap((frame) => frame.entries)
}

export interface Told {
  readonly role: string
  readonly text: string
  readonly steps: readonly Step[]
}

export interface Telling {
  /** `/retry`: without the turn that is asked again. */
  readonly again: boolean
  /** Those that are shown: what was done with others is told in words. */
  readonly tools: readonly { readonly name: string }[]
  readonly stepsOf: (turn: string) => readonly Step[]
}

/** What a model is told of it. */
export function toldOf(entries: Entries, { again, tools, stepsOf }: Telling): Told[] {
  const history = historyOf(entries)
  const last = again ? history.findLast((entry) => entry.role === 'user')?.turn : undefined
  return history
    .filter((entry) => entry.turn !== last)
    .flatMap(({ role, text, turn }): Told[] => {
      if (role === 'user') return [{ role, text, steps: [] }]
      if (role === 'summary') return [{ role: 'user', text, steps: [] }]
      const steps = stepsOf(turn)
      const used = steps.flatMap((step) => (step.kind === 'answer' ? step.calls : []))
      const inWords = used.some((call) => tools.every(({ name }) => name !== call.tool))
      const calls = inWords ? wordsOf(steps.map(shortened)) : []
      const words = calls.length === 0 ? [] : [{ role: 'assistant', text: calls.join('\n'), steps: [] }]
      const whole = steps.length === 0 ? [] : [{ role: 'assistant', text: '', steps: steps.map(shortened) }]
      const done = inWords ? words : whole
      const last = steps.findLast((step) => step.kind === 'answer')
      const isTold = role === 'partial' && last?.kind === 'answer' && last.text === text
      const said = (role === 'assistant' || role === 'partial') && text !== '' && !isTold
      return said ? [...done, { role: 'assistant', text, steps: [] }] : done
    })
}

/** A line for each call, with what came of it. */
function wordsOf(steps: readonly Step[]): string[] {
  const results = new Map(steps.map((step) => (step.kind === 'result' ? [step.call, step.text] : ['', ''])))
  return steps.flatMap((step) => {
    if (step.kind !== 'answer') return []
    const used = step.calls.map(({ id, tool, input }) => {
      const outcome = results.get(id)?.replace(/^([^]{2000})$/, '$1\n(shortened)') ?? 'it was ended before it was done'
      return `(I used ${tool} with ${JSON.stringify(input)}: ${outcome})`
    })
    return step.text === '' ? used : [step.text, ...used]
  })
}

/** As much of a step as an earlier turn is certain to keep. */
export function shortened(step: Step): Step {
  return step.kind === 'result' ? { ...step, text: step.text.slice(0, 2_000) } : step
}
