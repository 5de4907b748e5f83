// History: how many tokens it is taken for, and what of it has no room.

import { describe, expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { fitting, requestTokens, shownAgain, textTokens } from '../../machines/history.ts'
import { SHOWN_AGAIN_TURNS, SHOWN_FILE_TOKENS } from '../../machines/limits.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import type { Step } from '../../machines/steps.ts'
import { PLAIN_MODEL, testAgent } from '../support/definitions.ts'

/** 100 tokens beside what stands around a text. */
const HUNDRED = 'abc'.repeat(100)

function model(contextTokens: number): ModelDefinition {
  return { ...{ provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' } }, ...PLAIN_MODEL, contextTokens }
}

function entry(turn: string, given: Partial<TranscriptEntry> = {}): TranscriptEntry {
  return { role: 'user', turn, text: HUNDRED, sender: null, seq: 1, atMs: 0, steps: [], ...given }
}

const turn = (id: string): TranscriptEntry[] => [entry(id), entry(id, { role: 'assistant' })]

/** Room for so many tokens, without instructions. */
const request = (history: readonly TranscriptEntry[], room: number, text = '') => ({
  definition: testAgent('cfo', { instructions: '', model: model(room * 2), compactAt: 0.5 }),
  history,
  messages: [{ text }],
})

const kept = (history: readonly TranscriptEntry[], room: number, text = ''): string[] => [
  ...new Set(fitting(request(history, room, text)).map((one) => (one.role === 'summary' ? 'summary' : one.turn))),
]

describe('how many tokens', () => {
  test.each([
    ['', 0],
    ['a', 1],
    ['abc', 1],
    ['abcd', 2],
    ['äöü', 2],
    ['請求書', 3],
    ['😀😀😀', 4],
  ])('%s is %d', (text, tokens) => expect(textTokens(text)).toBe(tokens))

  test('the bytes are those of UTF-8, for any text', () => {
    for (const text of ['aä請😀', 'x'.repeat(1_000), '\u{10ffff}\u07ff\u0800\uffff']) {
      expect(textTokens(text)).toBe(Math.ceil(Buffer.byteLength(text) / 3))
    }
  })

  test('instructions, history and the turn count; a failure’s words are not told and do not', () => {
    const asked = request([...turn('t1'), entry('t2', { role: 'failure' })], 1_000, HUNDRED)
    expect(requestTokens(asked)).toBe(3 * 104)
    expect(requestTokens({ ...asked, definition: { ...asked.definition, instructions: HUNDRED } })).toBe(412)
  })

  test('files that are shown count, those of the turn and those of the newest earlier turn that had any', () => {
    const shown = [{ path: 'received/1-1-a.png', mediaType: 'image/png', bytes: 7 }]
    const plain = request(turn('t1'), 10_000, HUNDRED)
    const again = { ...plain, history: [entry('t1', { shown }), entry('t1', { role: 'assistant' })] }
    const own = { ...again, messages: [{ text: HUNDRED, shown: [...shown, ...shown] }] }
    const [words, withAgain, withOwn] = [plain, again, own].map(requestTokens)
    expect([withAgain, withOwn]).toEqual([(words ?? 0) + SHOWN_FILE_TOKENS, (words ?? 0) + 2 * SHOWN_FILE_TOKENS])
    expect(shownAgain(own)).toEqual([])
    const old = Array.from({ length: SHOWN_AGAIN_TURNS }, (_, index) => turn(`t${index + 2}`)).flat()
    expect(shownAgain({ ...plain, history: [...again.history, ...old.slice(2)] })).toEqual([again.history[0]])
    expect(shownAgain({ ...plain, history: [...again.history, ...old] })).toEqual([])
    const failed = [entry('t1', { shown }), entry('t1', { role: 'failure' }), ...turn('t2')]
    expect(shownAgain({ ...plain, history: failed })).toEqual([])
  })

  test('of tools it is what is told of them later: calls, and the beginning of each result', () => {
    const call = { id: '1', tool: 'look', input: { at: 'it' }, policy: 'allow', idempotent: true } as const
    const steps: Step[] = [
      { kind: 'answer', text: '', calls: [call], atMs: 0, seqs: [1] },
      { kind: 'begin', call: '1' },
      { kind: 'result', call: '1', text: 'x'.repeat(60_000), failed: false },
    ]
    const tokens = requestTokens(request([entry('t1', { role: 'assistant', steps })], 1_000))
    expect(tokens).toBe(108 + 4 + Math.ceil('[{"at":"it"}]'.length / 3) + 4 + Math.ceil(2_000 / 3))
  })

  describe('a provider counted', () => {
    const counted = (inputTokens: number, given: Partial<TranscriptEntry> = {}) => {
      const spent = { inputTokens, outputTokens: 4, cost: null }
      return requestTokens(
        request(
          [entry('t1'), entry('t1', { role: 'assistant', model: 'openai:a', spent, ...given }), entry('t2')],
          1_000,
        ),
      )
    }
    const estimate = 3 * 104 + 4

    test('more: its count is taken for all up to that answer', () => expect(counted(1_000)).toBe(1_004 + 104 + 4))
    test('less: the estimate is', () => expect(counted(1)).toBe(estimate))
    test('with what tools said in full: that is not told again', () => {
      expect(counted(9_000, { steps: [{ kind: 'begin', call: '1' }] })).toBe(estimate)
    })
    test('a summary: what it was made of is not told again', () => {
      expect(counted(9_000, { role: 'summary' })).toBe(estimate)
    })
    test('nothing', () => expect(counted(9_000, { spent: null })).toBe(estimate))
    test('a part of it: the rest is an estimate of ours already', () => {
      const amount = { inputTokens: 9_000, outputTokens: 4, cost: null }
      expect(counted(9_000, { spent: { ...amount, estimated: { ...amount, inputTokens: 0 } } })).toBe(estimate)
    })
  })
})

describe('what has room', () => {
  const three = [...turn('t1'), ...turn('t2'), ...turn('t3')]

  test.each([
    [628, ['t1', 't2', 't3']],
    [627, ['t2', 't3']],
    [420, ['t2', 't3']],
    [419, ['t3']],
    [211, []],
  ])('of three turns in %d tokens', (room, turns) => expect(kept(three, room)).toEqual(turns))

  test('a message takes its room before any history', () => {
    expect(kept(three, 628, HUNDRED)).toEqual(['t2', 't3'])
    expect(kept(three, 628, HUNDRED.repeat(9))).toEqual([])
  })

  test('a summary goes last', () => {
    const history = [entry('s', { role: 'summary' }), ...turn('t1'), ...turn('t2')]
    expect(kept(history, 524)).toEqual(['summary', 't1', 't2'])
    expect(kept(history, 523)).toEqual(['summary', 't2'])
    expect(kept(history, 200)).toEqual(['summary'])
    expect(kept(history, 100)).toEqual([])
  })

  test('the echo model reads no history, and so has room for any', () => {
    const asked = request(three, 1)
    expect(fitting({ ...asked, definition: testAgent('cfo') })).toBe(three)
  })

  test('what fits stays the very same', () => expect(fitting(request(three, 9_999))).toEqual(three))
})
