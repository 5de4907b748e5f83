// Parts: what the agents' suites build an agent from: a world whose clock stands still until told, a log that keeps its
// lines, secrets by name.

import type { ModelDefinition, SecretReference } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Sender } from '../../machines/messages.ts'
import { modelLabel } from '../../machines/models.ts'
import type { AgentParts, ThinkRequest, TurnMessage } from '../../src/agents/agent.ts'
import { createLog } from '../../src/log.ts'
import type { Clock, World } from '../../src/world.ts'
import { testAgent } from '../support/definitions.ts'

export const KEY: SecretReference = { secret: 'agents.cfo.model.api_key' }

export interface TestParts extends AgentParts {
  readonly clock: HandClock
  /** Lines of the log, as JSON texts, unredacted: what the agent itself lets out. */
  readonly lines: string[]
}

export function partsFor(model: ModelDefinition, secrets: Readonly<Record<string, string>> = {}): TestParts {
  const lines: string[] = []
  const clock = handClock()
  const definition = testAgent('cfo', { instructions: 'You answer questions about money.', model })
  const world: World = { nowMs: clock.nowMs, id: () => 'id', random: () => 0.5, clock, environment: {} }
  return {
    definition,
    world,
    clock,
    lines,
    log: createLog({
      level: 'debug',
      stacks: 'all',
      redact: (line) => line,
      destination: { write: (line) => void lines.push(line) },
    }),
    secret(reference) {
      const value = secrets[reference.secret]
      if (value !== undefined) return value
      throw new FailureError({ kind: 'permanent', reason: 'missing', message: `${reference.secret} is not set.` })
    },
  }
}

export interface HandClock extends Clock {
  nowMs(): number
  advance(byMs: number): void
  timers(): number
}

/** A clock that moves only when told. */
export function handClock(): HandClock {
  let now = Date.UTC(2026, 0, 1)
  let ids = 0
  const timers = new Map<unknown, { readonly dueMs: number; readonly fn: () => void }>()
  return {
    nowMs: () => now,
    timers: () => timers.size,
    setTimeout(fn, delayMs) {
      ids += 1
      timers.set(ids, { dueMs: now + delayMs, fn })
      return ids
    },
    clearTimeout: (id) => void timers.delete(id),
    advance(byMs) {
      now += byMs
      for (const [id, { dueMs, fn }] of [...timers]) {
        if (dueMs <= now && timers.delete(id)) fn()
      }
    },
  }
}

export function sender(id: string, name: string | null = null, handle: string | null = null): Sender {
  return { id, name, handle }
}

export function said(text: string, kind: TurnMessage['kind'] = 'dm', from: Sender = sender('1', 'Anna')): TurnMessage {
  return { text, kind, sender: from }
}

/** A request with what a test leaves out filled in, and the deltas and the words of its meter that came of it. */
export function asking(
  request: Partial<ThinkRequest> = {},
): ThinkRequest & { readonly deltas: string[]; readonly metered: string[] } {
  const deltas: string[] = []
  const metered: string[] = []
  return {
    history: [],
    messages: [said('hello')],
    steps: [],
    tools: [],
    mayCall: true,
    signal: new AbortController().signal,
    onDelta: (text) => void deltas.push(text),
    meter: {
      sent: (model) => void metered.push(`sent to ${modelLabel(model)}`),
      refused: () => void metered.push('refused'),
      counted: ({ inputTokens, outputTokens }) => void metered.push(`counted ${inputTokens} ${outputTokens}`),
      wrote: (text) => void metered.push(`wrote ${text}`),
    },
    deltas,
    metered,
    ...request,
  }
}

/** The failure that a promise rejects with; anything else is an error of the test. */
export async function failureFrom(promise: Promise<unknown>): Promise<{ failure: Failure; error: FailureError }> {
  const error = await promise.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  if (error instanceof FailureError) return { failure: error.failure, error }
  throw error
}
