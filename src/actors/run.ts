// Run actor: builds the live agent of a definition and lets it think. The agent lives as long as the run.
//   A2. No live object is shared by two sessions: each run builds its own from the definition.
//   S6. A delta of a run that was ended goes nowhere: its signal is asked each time.

import { fromPromise } from 'xstate'
import { type RunInput, runMachine } from '../../machines/run.ts'
import { FailureError } from '../../machines/failure.ts'
import type { HistoryMessage } from '../agents/agent.ts'
import { endingItsChildren } from './ending.ts'
import { agentFor, type Parts } from './parts.ts'

export function runActor(parts: Parts) {
  const machine = runMachine.provide({
    actors: { think: fromPromise(({ input, signal }) => think(parts, input, signal)) },
  })
  return endingItsChildren(machine)
}

async function think(parts: Parts, input: RunInput, signal: AbortSignal): Promise<string> {
  const definition = agentFor(parts, input.channel, input.agent)
  if (definition === undefined) {
    throw new FailureError({
      kind: 'permanent',
      reason: 'missing',
      message: `the agent ${input.agent} is not in the configuration any more`,
    })
  }
  const log = parts.log.child({ session: input.session, turn: input.turn, agent: input.agent })
  try {
    const agent = await parts.buildAgent({ definition, secret: parts.secret, log, world: parts.world })
    const thought = await agent.think({
      history: historyOf(input),
      messages: input.messages,
      signal,
      onDelta: (text) => {
        if (signal.aborted) return
        const delta = { kind: 'delta', session: input.session, turn: input.turn, text } as const
        parts.adapters.get(input.channel)?.show(input.conversation, delta)
      },
    })
    log.debug({ usage: thought.usage }, 'a run answered')
    return thought.text
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'a run failed')
    throw error
  }
}

/** What the model is told of earlier turns: a cancelled turn's question stays, a failure's words do not. */
function historyOf({ history, messages }: RunInput): HistoryMessage[] {
  const inGroup = messages[0]?.kind === 'group'
  return history.flatMap(({ role, text, sender }): HistoryMessage[] => {
    if (role === 'user') return [{ role, text, sender: inGroup ? sender : null }]
    const said = (role === 'assistant' || role === 'partial') && text !== ''
    return said ? [{ role: 'assistant', text }] : []
  })
}
