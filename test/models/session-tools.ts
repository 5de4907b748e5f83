// The part of the session's model whose run uses tools: what people are asked, what they decide, what is said to a run on its way.
// Written from sections 4 and the scenarios 23, 39, 40 and 42: each step is on disk before the next thing begins.

import { asking, done, isFull, kept, refusal, type Seen, type SessionEvent } from './session-words.ts'

/** What a run that may use tools makes of an event; null: the session answers it as ever. */
export function toolRun(seen: Seen, event: SessionEvent): Seen | null {
  if (event.type === 'disk') return seen.line[0]?.as === 'run' ? written(done(seen)) : null
  if (event.type === 'steer') return said({ ...seen }, 'steer')
  if (event.type === 'decides') return decided(seen, event.word)
  switch (seen.doing) {
    case 'thinking':
      return event.type === 'asks' ? asked(seen, event.tool) : null
    case 'calling':
      return event.type === 'toolEnds' ? recording(seen, 'recording a result') : null
    case 'waiting for a word':
      if (event.type === 'message') return said(seen, 'message')
      if (event.type === 'time') return denied(seen)
      return event.type === 'drain' ? denied({ ...seen, draining: true }) : null
    default:
      return null
  }
}

function asked(seen: Seen, tool: 'write' | 'look'): Seen {
  const isQuestion = tool === 'write'
  // Who ends puts no question that nobody can answer any more.
  const says = isQuestion && !seen.draining ? ['question'] : []
  return recording(seen, isQuestion ? 'recording a question' : 'recording a call', says)
}

/** What was written last decides what comes next. */
function written(seen: Seen): Seen {
  switch (seen.doing) {
    case 'recording a question':
      // Whoever ends asks nobody any more: that is a no.
      return seen.draining
        ? denied({ ...seen, steps: [...seen.steps, 'answer'] })
        : { ...seen, doing: 'waiting for a word', steps: [...seen.steps, 'answer'] }
    case 'recording a call':
      return recording({ ...seen, steps: [...seen.steps, 'answer'] }, 'beginning')
    case 'recording a word':
      return recording({ ...seen, steps: [...seen.steps, 'decision'] }, 'recording a result')
    case 'beginning':
      return { ...seen, doing: 'calling', steps: [...seen.steps, 'begin'] }
    case 'recording a result':
      return steered({ ...seen, steps: [...seen.steps, 'result'] })
    case 'recording what was said':
      return { ...seen, doing: 'thinking', steps: [...seen.steps, 'steering'] }
    default:
      return seen
  }
}

/** Between two answers the run is given what was said meanwhile. */
function steered(seen: Seen): Seen {
  const given = seen.inbox.filter((label) => label.startsWith('steer'))
  if (given.length === 0) return { ...seen, doing: 'thinking' }
  const inbox = seen.inbox.filter((label) => !given.includes(label))
  return recording({ ...seen, inbox, given: [...seen.given, ...given] }, 'recording what was said')
}

function decided(seen: Seen, word: string): Seen {
  if (seen.doing !== 'waiting for a word') return asking(seen, { says: ['nothing to approve', 'answered +1'] })
  if (word === 'approve 9-9') return asking(seen, { says: ['no such approval', 'answered +1'] })
  const answer = asking(seen, { says: [word === 'approve' ? 'approved' : 'denied', 'answered +1'] })
  const steps = [...seen.steps, 'decision']
  return recording({ ...answer, steps }, word === 'approve' ? 'beginning' : 'recording a result')
}

function denied(seen: Seen): Seen {
  return recording(seen, 'recording a word')
}

/** What is said to a run that is at work waits; while it waits itself, whoever says it is reminded. */
function said(seen: Seen, how: 'message' | 'steer'): Seen {
  if (isFull(seen)) return refusal(seen)
  const heard = seen.heard + 1
  const next =
    how === 'steer' ? { ...seen, heard, inbox: [...seen.inbox, `steer${heard}`] } : kept(seen, { type: 'message' })
  return seen.doing === 'waiting for a word' ? asking(next, { says: ['reminded'] }) : next
}

function recording(seen: Seen, doing: Seen['doing'], says: readonly string[] = []): Seen {
  return asking({ ...seen, doing }, { as: 'run', says })
}
