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
  readonly stepsOf: (turn: string) => readonly Step[]
}

/** What a model is told of it. */
export function toldOf(entries: Entries, { again, stepsOf }: Telling): Told[] {
  const history = historyOf(entries)
  const last = again ? history.findLast((entry) => entry.role === 'user')?.turn : undefined
  return history
    .filter((entry) => entry.turn !== last)
    .flatMap(({ role, text, turn }): Told[] => {
      if (role === 'user') return [{ role, text, steps: [] }]
      if (role === 'summary') return [{ role: 'user', text, steps: [] }]
      const steps = stepsOf(turn)
      const done = steps.length === 0 ? [] : [{ role: 'assistant', text: '', steps: steps.map(shortened) }]
      const said = (role === 'assistant' || role === 'partial') && text !== ''
      return said ? [...done, { role: 'assistant', text, steps: [] }] : done
    })
}

/** As much of a step as an earlier turn is certain to keep. */
export function shortened(step: Step): Step {
  return step.kind === 'result' ? { ...step, text: step.text.slice(0, 2_000) } : step
}
