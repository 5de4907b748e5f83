// Definitions for tests: as the configuration would fill them in, with what a test gives in front.

import type { AgentDefinition, ModelDefinition, ScheduleDefinition } from '../../machines/definitions.ts'
import type { Inbox } from '../../machines/inbox.ts'
import type { Prepared } from '../../machines/session-context.ts'
import { steeringIn } from '../../machines/steps.ts'

export function testAgent(id: string, given: Partial<AgentDefinition> = {}): AgentDefinition {
  return {
    id,
    instructions: 'answer',
    model: { provider: 'echo', delayMs: 0 },
    fallbackModels: [],
    vision: 'auto',
    describeWith: null,
    transcription: null,
    compactAt: 0.8,
    budget: null,
    tools: [],
    mcp: {},
    approval: {},
    approvalTimeoutMs: 300_000,
    approvers: [],
    maxSteps: 16,
    runTimeoutMs: 600_000,
    workdir: 'per_session',
    requires: [],
    httpAllow: [],
    hooks: {},
    lacking: [],
    missing: [],
    ...given,
  }
}

type Live = Exclude<ModelDefinition, { provider: 'echo' }>

/** What a model has besides its endpoint when its file says nothing of it. */
export const PLAIN_MODEL = { contextTokens: 128_000, prices: null } satisfies Partial<Live>

/** What the preparation of a turn gives back when nothing was before. */
export function prepared(turn: Inbox, before: Partial<Prepared> = {}): Prepared {
  const { steps = [] } = before
  const nothing = {
    history: [],
    exhausted: [],
    refused: [],
    definition: testAgent('cfo'),
    preparedAtMs: 0,
    notices: [],
  }
  return { ...nothing, turn, steps, given: steeringIn(steps), ...before }
}

/** At every full hour, in UTC. */
export function testSchedule(given: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
  return {
    name: 'morning',
    cron: '0 * * * *',
    timeZone: 'UTC',
    agent: null,
    channel: 'a',
    conversation: 'c1',
    text: 'What is new?',
    ...given,
  }
}
