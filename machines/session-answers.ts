// Session answers: what several states of the session answer to a message in the same way. Parts of the chart in session.ts, which
// lists them in its order: of those that stand in one state the first that fits is taken.

import { answer, refusal, startOver, stop } from './session-words.ts'

/** A turn that ends without a commit of its own: the command was answered, nothing of it is left in memory. */
const OVER = ['noteAnswered', 'forgetTurn', 'forgetWaiting', 'releaseSlot'] as const

/** Routed a second time: it changes nothing. */
export const KNOWN = { guard: 'isKnown', actions: 'noteRouted' } as const

export const REFUSED = {
  guard: 'isFull',
  actions: ['noteRouted', { type: 'record', params: refusal }, 'noteAnswered'],
} as const

export const KEPT = { actions: ['noteRouted', 'keep'] } as const

export const STARTED_OVER = {
  guard: { type: 'isCommand', params: { name: 'new' } },
  target: '#session.idle',
  actions: ['noteRouted', { type: 'record', params: startOver }, ...OVER],
} as const

export const stopped = (during: 'pending' | 'running') =>
  ({
    guard: { type: 'isCommand', params: { name: 'stop' } },
    target: '#session.idle',
    actions: ['noteRouted', { type: 'record', params: stop(during) }, ...OVER],
  }) as const

export const answered = (during: 'pending' | 'running') =>
  ({
    guard: { type: 'isAnsweredAtOnce', params: { during } },
    actions: ['noteRouted', { type: 'record', params: answer(during) }, 'noteAnswered'],
  }) as const
