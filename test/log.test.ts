// Log: what of an error is in a line, and for whom.

import { expect, test } from 'vitest'
import { FailureError } from '../machines/failure.ts'
import { createLog, type LogOptions } from '../src/log.ts'

const FORESEEN = new FailureError(
  { kind: 'retryable', reason: 'unavailable', message: 'the model is away', remedy: 'Wait', phase: 'ready' },
  { cause: new Error('ECONNREFUSED') },
)

function errorIn(thrown: unknown, stacks: LogOptions['stacks']): Record<string, unknown> {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  createLog({ level: 'info', stacks, redact: (line) => line, destination }).warn({ err: thrown }, 'a run failed')
  return JSON.parse(lines.join('')).err
}

test('a foreseen failure is told with its cause and its remedy, and without a stack', () => {
  expect(errorIn(FORESEEN, 'defects')).toEqual({
    type: 'FailureError',
    message: 'the model is away: ECONNREFUSED',
    reason: 'unavailable',
    remedy: 'Wait',
    phase: 'ready',
  })
})

test('a defect keeps its stack for a program; a person has it when they ask for it', () => {
  const defect = new TypeError('x is not a function')
  const broken = new FailureError({ kind: 'defect', reason: 'defect', message: 'an internal error' }, { cause: defect })
  for (const thrown of [defect, broken]) {
    expect(errorIn(thrown, 'defects')['stack']).toContain('log.test.ts')
    expect(errorIn(thrown, 'none')).not.toHaveProperty('stack')
  }
  expect(errorIn(FORESEEN, 'all')['stack']).toContain('log.test.ts')
})

test('what a library hangs on its errors stays out: it may be what people wrote', () => {
  const thrown = Object.assign(new Error('400'), {
    requestBodyValues: { messages: ['private'] },
    responseBody: 'private',
  })
  expect(JSON.stringify(errorIn(thrown, 'all'))).not.toContain('private')
})
