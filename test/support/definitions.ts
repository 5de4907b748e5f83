// Definitions for tests: as the configuration would fill them in, with what a test gives in front.

import type { AgentDefinition } from '../../machines/definitions.ts'
import type { Inbox } from '../../machines/inbox.ts'
import type { Prepared } from '../../machines/session-context.ts'

export function testAgent(id: string, given: Partial<AgentDefinition> = {}): AgentDefinition {
  return {
    id,
    instructions: 'answer',
    model: { provider: 'echo', delayMs: 0 },
    tools: [],
    approval: {},
    approvalTimeoutMs: 300_000,
    approvers: [],
    maxSteps: 16,
    runTimeoutMs: 600_000,
    workdir: 'per_session',
    requires: [],
    httpAllow: [],
    lacking: [],
    missing: [],
    ...given,
  }
}

/** What the preparation of a turn gives back when nothing was before. */
export function prepared(turn: Inbox, given: Partial<Prepared> = {}): Prepared {
  return { history: [], exhausted: [], turn, steps: [], definition: testAgent('cfo'), preparedAtMs: 0, ...given }
}
