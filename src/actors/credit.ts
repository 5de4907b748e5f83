// Credit: asks an agent and counts what that takes: who gave an answer and what it took, for the step or entry that it stands in.

import { askedTokens } from '../../machines/estimate.ts'
import type { FirstRequest } from '../../machines/history.ts'
import { accountOfRun, type RunInput } from '../../machines/run-words.ts'
import type { Credit } from '../../machines/usage.ts'
import type { Agent, ThinkRequest, Thought } from '../agents/agent.ts'
import { AnswerMeter } from './answer-meter.ts'
import type { Parts } from './parts.ts'

export interface Asking {
  readonly run: RunInput
  readonly agent: Agent
  /** What the agent is built from, and what it is told first: about how long that is. */
  readonly first: FirstRequest
  readonly request: Omit<ThinkRequest, 'meter'>
}

/** Also counts what it takes until it fails or is ended. */
export async function credited(
  parts: Parts,
  { run, agent, first, request }: Asking,
): Promise<{ readonly thought: Thought; readonly credit: Credit }> {
  const { session, turn, definition } = run
  const { steps, tools } = request
  const toolTexts = () => tools.map(({ name, description, parameters }) => ({ name, description, parameters }))
  const asked = () => askedTokens({ ...first, steps, tools: tools.length === 0 ? '' : JSON.stringify(toolTexts()) })
  const of = { session, turn, account: accountOfRun(run), observe: parts.observe }
  const meter = parts.meters.open(of, (owner) => new AnswerMeter(owner, asked))
  try {
    const thought = await agent.think({ ...request, meter })
    return { thought, credit: meter.answered(thought, definition.model) }
  } catch (error) {
    meter.cut()
    throw error
  }
}
