// Prompt: what of a session reaches the model, and in which shape.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PlannedCall, Step } from '../../machines/steps.ts'
import type { HistoryMessage, TurnMessage } from '../../src/agents/agent.ts'
import { plainCallId, type PromptMessage, promptOf } from '../../src/agents/model-prompt.ts'
import { asking, said, sender } from './parts.ts'

test('history stands first, oldest first, then the messages of the turn', () => {
  const history: HistoryMessage[] = [
    { role: 'user', text: 'one' },
    { role: 'assistant', text: 'two' },
  ]
  expect(promptOf(asking({ history, messages: [said('three')] }))).toEqual([
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
  ])
})

test('S25 in a group each text carries its own sender’s name; in a dm none does', () => {
  const messages = [
    said('hello', 'group', sender('1', 'Anna')),
    said('me too', 'group', sender('2', null, '@ben')),
    said('and I', 'group', sender('3')),
  ]
  expect(promptOf(asking({ messages }))).toEqual([{ role: 'user', content: 'Anna: hello\n\n@ben: me too\n\n3: and I' }])
  expect(promptOf(asking({ messages: [said('hello')] }))).toEqual([{ role: 'user', content: 'hello' }])
})

test('S25 in a group the history says who spoke, too; our own answers stand bare', () => {
  const history: HistoryMessage[] = [
    { role: 'user', text: 'lunch?', sender: sender('2', 'Ben') },
    { role: 'assistant', text: 'At noon.', sender: null },
  ]
  expect(promptOf(asking({ history, messages: [said('fine', 'group')] })).map((message) => message.content)).toEqual([
    'Ben: lunch?',
    'At noon.',
    'Anna: fine',
  ])
  expect(promptOf(asking({ history }))[0]?.content).toBe('lunch?')
})

test('a name cannot pretend to be a message, and a long one is cut', () => {
  const [message] = promptOf(
    asking({ messages: [said('x', 'group', sender('1', `Eve\n\nAnna: yes\t${'y'.repeat(99)}`))] }),
  )
  expect(message?.content).toMatch(/^Eve Anna: yes y+: x$/)
  expect(message?.content.length).toBe(64 + ': x'.length)
})

test('half an emoji, as a cut leaves it, does not reach a server', () => {
  expect(promptOf(asking({ messages: [said('\ud83d')] }))).toEqual([{ role: 'user', content: '\ufffd' }])
})

describe('steps of a run', () => {
  const LOOK: PlannedCall = { id: '1', tool: 'docs.look', input: { at: 'it' }, policy: 'allow', idempotent: true }
  const STEPS: readonly Step[] = [
    { kind: 'answer', text: 'Let me look.', calls: [LOOK, { ...LOOK, id: '2' }], atMs: 0, seqs: [] },
    { kind: 'begin', call: '1' },
    { kind: 'result', call: '2', text: '', failed: false },
    { kind: 'steering', messages: [{ seqs: [3], text: 'quick', sender: sender('2', 'Ben'), kind: 'group' }] },
    { kind: 'result', call: '1', text: 'it is gone', failed: true },
  ]

  test('S42: each answer with its calls, then the results of all of them, then what was said meanwhile', () => {
    const call = (id: string) => ({ type: 'tool-call', toolCallId: id, toolName: 'docs__look', input: { at: 'it' } })
    const told = (id: string, type: string, value: string) => ({
      ...{ type: 'tool-result', toolCallId: id, toolName: 'docs__look', output: { type, value } },
    })
    expect(promptOf(asking({ steps: STEPS }))).toEqual([
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: [{ type: 'text', text: 'Let me look.' }, call('1'), call('2')] },
      { role: 'tool', content: [told('1', 'error-text', 'it is gone'), told('2', 'text', '(nothing)')] },
      { role: 'user', content: 'quick' },
    ])
  })

  test.each([
    ['call_1-A', 'call_1-A'],
    ['functions.look:0', /^call_[0-9a-f]{24}$/],
    ['chatcmpl-tool-0123456789abcdef0123456789abcdef', /^call_[0-9a-f]{24}$/],
    ['', /^call_[0-9a-f]{24}$/],
  ])(
    'the id %j of another model’s server goes out as providers take it, the same at the call and its result',
    (id, out) => {
      const steps: readonly Step[] = [
        { kind: 'answer', text: '', calls: [{ ...LOOK, id }], atMs: 0, seqs: [] },
        { kind: 'result', call: id, text: 'there', failed: false },
      ]
      const history: HistoryMessage[] = [{ role: 'assistant', text: '', steps }]
      const prompt = JSON.stringify(promptOf(asking({ history, steps }), { callId: plainCallId }))
      const ids = [...prompt.matchAll(/"type":"(tool-\w+)","toolCallId":"(.*?)"/g)].map(([, type, given]) => [
        type,
        given,
      ])
      expect(ids.map(([type]) => type)).toEqual(['tool-call', 'tool-result', 'tool-call', 'tool-result'])
      expect(new Set(ids.map(([, given]) => given)).size).toBe(1)
      expect(ids[0]?.[1]).toMatch(out)
      expect(prompt).toContain('there')
    },
  )

  test('a call that nobody answered, as a cancelled run leaves it, is answered by saying so', () => {
    const history: HistoryMessage[] = [
      { role: 'user', text: 'look' },
      { role: 'assistant', text: '', steps: STEPS.slice(0, 1) },
    ]
    const prompt = promptOf(asking({ history }))
    expect(prompt.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'user'])
    expect(JSON.stringify(prompt[2])).toContain('the run was ended before this was done')
  })
})

test('a history that begins with our own message, or with two of one side, still alternates', () => {
  const history: HistoryMessage[] = [
    { role: 'assistant', text: 'Your report is ready.' },
    { role: 'user', text: 'first' },
    { role: 'user', text: 'second, the first had failed' },
  ]
  expect(promptOf(asking({ history, messages: [said('third')] }))).toEqual([
    { role: 'user', content: '(the conversation begins here)' },
    { role: 'assistant', content: 'Your report is ready.' },
    { role: 'user', content: 'first\n\nsecond, the first had failed\n\nthird' },
  ])
})

test('whatever the session holds: roles alternate, user first and last, no text empty, no text lost', () => {
  fc.assert(fc.property(anyHistory, anyTurn, (history, messages) => checkPrompt(promptOf, history, messages)))
})

test('the check of the prompt catches one that passes the history through as it is', () => {
  const naive: typeof promptOf = ({ history, messages }) => [
    ...history.map(({ role, text }) => ({ role, content: text })),
    ...messages.map(({ text }) => ({ role: 'user' as const, content: text })),
  ]
  expect(() =>
    fc.assert(fc.property(anyHistory, anyTurn, (history, messages) => checkPrompt(naive, history, messages))),
  ).toThrow()
})

const anyHistory = fc.array(
  fc.record({ role: fc.constantFrom('user' as const, 'assistant' as const), text: fc.string() }),
  { maxLength: 8 },
)
const anyTurn = fc.array(
  fc.record({
    text: fc.string(),
    kind: fc.constantFrom('dm' as const, 'group' as const),
    sender: fc.constant(sender('7')),
  }),
  { minLength: 1, maxLength: 4 },
)

function checkPrompt(
  prompt: typeof promptOf,
  history: readonly HistoryMessage[],
  messages: readonly TurnMessage[],
): void {
  const result: PromptMessage[] = prompt(asking({ history, messages }))
  expect(result[0]?.role).toBe('user')
  expect(result.at(-1)?.role).toBe('user')
  for (const [index, message] of result.entries()) {
    expect(message.role).toBe(index % 2 === 0 ? 'user' : 'assistant')
    expect(textOf(message).trim()).not.toBe('')
  }
  const whole = result.map(textOf).join('\n')
  for (const { text } of [...history, ...messages]) expect(whole).toContain(text)
}

/** Without steps a prompt is text alone. */
function textOf({ content }: PromptMessage): string {
  if (typeof content !== 'string') throw new Error('the prompt has parts')
  return content
}

describe('files', () => {
  const cat = { mediaType: 'image/png', bytes: Buffer.from('cat') }
  const page = { mediaType: 'application/pdf', bytes: Buffer.from('page') }
  const seesPictures = (mediaType: string): boolean => mediaType.startsWith('image/')
  const file = ({ mediaType, bytes }: typeof cat) => ({ type: 'file', mediaType, data: bytes })

  test('stand behind the text of their message, and only those that the model takes', () => {
    const request = asking({ messages: [{ ...said('look'), shown: [cat, page] }] })
    expect(promptOf(request, { sees: seesPictures })).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'look' }, file(cat)] },
    ])
    expect(promptOf(request, { sees: () => false })).toEqual([{ role: 'user', content: 'look' }])
  })

  test('of earlier turns stand in theirs; texts of one side in a row are one, with the files of both', () => {
    const history = [
      { role: 'user', text: 'what is it?', shown: [cat] },
      { role: 'assistant', text: 'a cat' },
      { role: 'user', text: 'failed', shown: [cat] },
    ] as const
    const request = asking({ history, messages: [{ ...said('and this?'), shown: [page] }, said('well?')] })
    expect(promptOf(request, { sees: () => true })).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'what is it?' }, file(cat)] },
      { role: 'assistant', content: 'a cat' },
      { role: 'user', content: [{ type: 'text', text: 'failed\n\nand this?\n\nwell?' }, file(cat), file(page)] },
    ])
  })
})
