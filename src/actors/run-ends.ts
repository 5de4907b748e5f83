// Run ends: what the states of a session say of a run that is over, for the hooks that are told of it: answered or failed, once that is
// on disk; stopped, interrupted. A run that a drain ends is not over: the next start goes on with it.
//   Told after the fact, and waited for by nobody.

import type { sessionMachine } from '../../machines/session.ts'
import type { SessionContext } from '../../machines/session-context.ts'
import { documentOf, tellHook } from './hooks.ts'
import type { Look } from './observed.ts'
import type { Parts } from './parts.ts'

type Seen = Parameters<Look<typeof sessionMachine>>[0]

export function lookAtRunEnds(parts: Parts): Look<typeof sessionMachine> {
  /** Sessions whose run has begun; at most one for each (S1). */
  const begun = new Set<string>()
  return (seen) => {
    const { context } = seen.before
    if (seen.after?.status === 'active' && seen.after.matches({ running: 'working' })) begun.add(context.key)
    const how = outcomeOf(seen)
    if (how === null || !begun.delete(context.key) || how === 'later') return
    const { definition } = context
    const asked = definition?.hooks['run.end'] ?? []
    if (definition === null || asked.length === 0) return
    const { key, channel, turnId } = context
    const about = { event: 'run.end', turn: { key, channel, turnId }, agent: definition.id } as const
    const document = documentOf(about, { id: turnId, ...how })
    for (const hook of asked) tellHook(parts, { hook, document })
  }
}

interface How {
  readonly outcome: 'answered' | 'failed' | 'stopped' | 'interrupted'
  /** The answer, or why there is none. */
  readonly text: string
}

/** null: it is not over. `later`: it goes on in another life. */
function outcomeOf({ before, event, after }: Seen): How | 'later' | null {
  if (!before.matches('running')) return null
  if (after === null) return 'later'
  if (after.status === 'active' && after.matches('running')) return null
  if (event.type === 'xstate.done.actor.commit') return toldOf(before.context)
  if (event.type === 'halt' || event.type === 'drain') return 'later'
  return { outcome: after.matches('pending') ? 'interrupted' : 'stopped', text: '' }
}

function toldOf({ outcome }: SessionContext): How {
  return outcome.kind === 'answered'
    ? { outcome: 'answered', text: outcome.text }
    : { outcome: 'failed', text: outcome.failure.message }
}
