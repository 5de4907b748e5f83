// Traces: the spans that a real SDK is given by a house at work. The SDK keeps them in memory; nothing leaves.

import { SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { createTraces } from '../../src/start/traces.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { testWorld } from '../support/world.ts'

const exporter = new InMemorySpanExporter()

beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
})
beforeEach(() => exporter.reset())

async function tracedHouse(options: HouseOptions = {}): Promise<House> {
  const world = testWorld()
  const observe = await createTraces({ world, version: '1.2.3' })
  if (observe === null) throw new Error('an SDK is loaded, and nobody is told')
  return openHouse({ ...options, world, observe })
}

/** The spans that have ended, as `name under parent`. */
function tree(): string[] {
  const spans = exporter.getFinishedSpans()
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]))
  const parentOf = (span: ReadableSpan) => byId.get(span.parentSpanContext?.spanId ?? '')?.name ?? 'nothing'
  return spans.map((span) => `${span.name} under ${parentOf(span)}`)
}

function spansOf(name: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === `troupe.${name}`)
}

function only(name: string): ReadableSpan {
  const [span, ...more] = spansOf(name)
  if (span === undefined || more.length > 0) throw new Error(`${more.length + 1} spans of ${name}`)
  return span
}

const lookup = {
  name: 'lookup',
  description: '',
  parameters: {},
  idempotent: true,
  changes: false,
  call: async () => 'found',
} as const

test('a turn is one trace: its preparation, its run with each step, its commit', async () => {
  const house = await tracedHouse({ agents: { cfo: { tools: ['lookup'] } }, tools: { lookup } })
  await house.says('a', 'hello')
  await house.thoughts[0]?.asks({ id: '1', tool: 'lookup', input: {} })
  await house.thoughts[1]?.answer('yes', { inputTokens: 30, outputTokens: 4 })
  expect(tree().sort()).toEqual(
    [
      'troupe.accept under nothing',
      'troupe.pending under troupe.turn',
      'troupe.step under troupe.run',
      'troupe.step under troupe.run',
      'troupe.step under troupe.run',
      'troupe.run under troupe.turn',
      'troupe.commit under troupe.turn',
      'troupe.turn under nothing',
      'troupe.delivery under nothing',
    ].sort(),
  )
  const traceIds = ['turn', 'pending', 'run', 'commit', 'step']
    .flatMap(spansOf)
    .map((span) => span.spanContext().traceId)
  expect(new Set(traceIds).size).toBe(1)
  expect(only('turn').instrumentationScope).toMatchObject({ name: 'troupe', version: '1.2.3' })
  expect(only('turn').attributes).toEqual({
    'troupe.session': 'a/c1',
    'troupe.channel': 'a',
    'troupe.agent': 'cfo',
    'troupe.outcome': 'done',
  })
  expect(spansOf('step').map(({ attributes }) => attributes)).toEqual([
    { 'troupe.step': 'answer', 'troupe.session': 'a/c1', 'troupe.agent': 'cfo', 'troupe.outcome': 'done' },
    {
      'troupe.step': 'tool',
      'troupe.tool': 'lookup',
      'troupe.session': 'a/c1',
      'troupe.agent': 'cfo',
      'troupe.outcome': 'done',
    },
    {
      'troupe.step': 'answer',
      'troupe.session': 'a/c1',
      'troupe.agent': 'cfo',
      'troupe.outcome': 'done',
      'troupe.tokens.input': 30,
      'troupe.tokens.output': 4,
    },
  ])
  expect(only('delivery').attributes).toMatchObject({ 'troupe.channel': 'a', 'troupe.outbox': 1 })
})

test('spans begin and end by the clock of the world', async () => {
  const house = await tracedHouse()
  const startMs = house.world.nowMs()
  await house.says('a', 'hello')
  await house.world.advance(2_500)
  await house.thoughts[0]?.answer('yes')
  const { startTime, endTime } = only('run')
  const millisecondsOf = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1e3 + nanoseconds / 1e6
  expect(millisecondsOf(startTime)).toBe(startMs)
  expect(millisecondsOf(endTime)).toBe(startMs + 2_500)
})

test('what ended badly says so; what somebody stopped did not', async () => {
  const house = await tracedHouse()
  await house.says('a', 'fails')
  await house.thoughts[0]?.fail(new FailureError({ kind: 'permanent', reason: 'refused', message: 'no' }))
  expect([only('run').status.code, only('turn').status.code]).toEqual([SpanStatusCode.ERROR, SpanStatusCode.ERROR])
  expect(only('commit').status.code).toBe(SpanStatusCode.UNSET)
  exporter.reset()
  await house.says('a', 'is stopped')
  await house.says('a', '/stop')
  expect(only('run').status.code).toBe(SpanStatusCode.UNSET)
  expect(only('run').attributes).toMatchObject({ 'troupe.outcome': 'stopped' })
})

test('two sessions at once have a trace each, and the next turn of one has another', async () => {
  const house = await tracedHouse()
  await house.says('a', 'one')
  await house.says('a', 'two', { conversation: 'c2' })
  await house.thoughts[1]?.answer('second')
  await house.thoughts[0]?.answer('first')
  await house.says('a', 'again')
  await house.thoughts[2]?.answer('third')
  const turns = spansOf('turn').map((span) => [span.attributes['troupe.session'], span.spanContext().traceId])
  expect(turns.map(([session]) => session)).toEqual(['a/c2', 'a/c1', 'a/c1'])
  expect(new Set(turns.map(([, id]) => id)).size).toBe(3)
  for (const run of spansOf('run')) {
    const turn = spansOf('turn').find((span) => span.spanContext().spanId === run.parentSpanContext?.spanId)
    expect(turn?.attributes['troupe.session']).toBe(run.attributes['troupe.session'])
  }
})

test('O2: no span holds a text, a name or the words of an error', async () => {
  const house = await tracedHouse({ agents: { cfo: { tools: ['lookup'], instructions: 'marker' } }, tools: { lookup } })
  const sender = { id: 'marker-sender', name: 'marker-name', handle: '@marker-handle' }
  await house.says('a', 'marker-text', { sender, platformMessageId: 'marker-id' })
  await house.thoughts[0]?.asks({ id: 'marker-call', tool: 'lookup', input: { marker: 'marker' } })
  await house.thoughts[1]?.asks({ id: '2', tool: 'marker-tool', input: {} })
  await house.thoughts[2]?.answer('marker-answer')
  await house.says('a', 'another', { sender })
  await house.thoughts[3]?.fail(new Error('marker-defect'))
  await house.world.advance(5_000)
  const spans = exporter.getFinishedSpans()
  expect(spans.length).toBeGreaterThan(10)
  const told = spans.map(({ name, attributes, events, links, status }) => ({ name, attributes, events, links, status }))
  expect(JSON.stringify(told)).not.toContain('marker')
})
