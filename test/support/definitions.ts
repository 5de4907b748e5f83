// Definitions for tests: as the configuration would fill them in, with what a test gives in front.

import type { AgentDefinition } from '../../machines/definitions.ts'

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
