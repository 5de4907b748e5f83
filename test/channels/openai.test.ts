// OpenAI: who waits for which message, and what each is told: by the commits and deliveries of a session, in the hand of the test.

import { describe, expect, test } from 'vitest'
import { INBOX_FULL } from '../../machines/commits.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Commit, Reply } from '../../machines/messages.ts'
import { OPENAI_CHANNEL, withOpenAi } from '../../machines/openai.ts'
import type { Step, TurnStep } from '../../machines/steps.ts'
import { turnIdOf } from '../../machines/steps.ts'
import { NOTHING_USED } from '../../machines/usage.ts'
import type { Door, Reception } from '../../src/channels/adapter.ts'
import { createOpenAiAdapter, type OpenAiAdapter, type QuestionEnd } from '../../src/channels/openai.ts'
import type { Answered } from '../../src/channels/openai-waiting.ts'
import { MemoryJournal, manualWorld, silentLog } from '../http/double.ts'
import { testDefinition } from '../support/house.ts'
import { testUploads } from '../support/uploads.ts'
import { settled } from '../support/world.ts'

const CONVERSATION = 'cfo/anna'
const SESSION = '%40openai/cfo%2Fanna'

type Wrap = (real: OpenAiAdapter) => OpenAiAdapter

function stage(wrap: Wrap = (real) => real, receive?: Door['receive']) {
  const definition = withOpenAi(testDefinition({ gateway: { openaiApi: true } })).channels[OPENAI_CHANNEL]
  if (definition === undefined) throw new Error('the gateway makes this channel')
  const world = manualWorld()
  const parts = {
    definition,
    secret: () => '',
    journal: new MemoryJournal(),
    uploads: testUploads(),
    world,
    log: silentLog,
  }
  const adapter = wrap(createOpenAiAdapter(parts))
  const known = new Map<string, number>()
  const door: Door = {
    live: () => {},
    receive:
      receive ??
      (async ({ platformMessageId: id }): Promise<Reception> => {
        const duplicate = known.has(id)
        if (!duplicate) known.set(id, known.size + 1)
        return { accepted: true, duplicate, seq: known.get(id) ?? 0 }
      }),
  }
  const connection = new AbortController()
  const running = adapter.run(door, connection.signal)
  const withdrawn: number[] = []
  let outbox = 0

  async function ask(id: string, recalled: Answered | null = null) {
    const client = new AbortController()
    const heard: string[] = []
    const told: { end: QuestionEnd | null } = { end: null }
    const asking = {
      accepted: () => {},
      delta: (text: string) => void heard.push(text),
      recall: async () => recalled,
      withdraw: (_: string, seq: number) => void withdrawn.push(seq),
    }
    const said = { text: id, attachments: [], earlier: [], brief: null }
    const question = { agent: 'cfo', conversation: CONVERSATION, user: 'anna', ...said }
    const asked = adapter.ask({ ...question, messageId: id }, asking, client.signal).then((end) => (told.end = end))
    await settled()
    return { told, asked, leave: () => client.abort(), heard: () => heard.join('') }
  }

  /** A session's commit, and then the delivery of its replies. */
  async function commits(content: Partial<Commit>): Promise<void> {
    adapter.committed({
      channel: OPENAI_CHANNEL,
      sessionKey: SESSION,
      settled: [],
      entries: [],
      replies: [],
      ...content,
    })
    await settled()
    for (const { text, replyTo } of content.replies ?? []) {
      outbox += 1
      const outgoing = { outboxId: outbox, conversation: CONVERSATION, text, replyTo, uncertain: false }
      expect(await adapter.send(outgoing, 0, connection.signal)).toMatchObject({ last: true })
    }
    await settled()
  }

  const answers = (seqs: readonly number[], text: string, replyTo: string) =>
    commits({
      settled: seqs.map((seq) => ({ seq, outcome: 'answered', reason: null })),
      entries: [{ role: 'assistant', turn: turnIdOf({ seq: seqs[0] ?? 0 }), text, sender: null }],
      replies: [reply(text, replyTo)],
      usage: [{ day: 1, agent: 'cfo', user: 'u', ...NOTHING_USED, runs: 1, inputTokens: 5, outputTokens: 2 }],
    })
  const says = (seq: number, text: string) =>
    adapter.show(CONVERSATION, { kind: 'delta', session: SESSION, turn: turnIdOf({ seq }), text })
  return { adapter, world, ask, commits, answers, says, withdrawn, connection, running }
}

function reply(text: string, replyTo: string | null): Reply {
  return { conversation: CONVERSATION, text, replyTo }
}

function ofTurn(seq: number, ...steps: Step[]): TurnStep[] {
  return steps.map((step) => ({ turn: turnIdOf({ seq }), step }))
}

function asks(...calls: string[]): Step {
  const planned = calls.map((id) => ({ id, tool: 'write', input: {}, policy: 'ask', idempotent: false }) as const)
  return { kind: 'answer', text: '', calls: planned, atMs: 0, seqs: [] }
}

const approves = (call: string): Step => ({ kind: 'decision', call, approved: true, by: 'anna' })

const answered = (text: string, spent = { inputTokens: 5, outputTokens: 2 }) => ({ kind: 'answered', text, spent })

/** Two at once: the second is answered first. */
async function eachItsOwn(wrap?: Wrap): Promise<void> {
  const { ask, answers, says } = stage(wrap)
  const [first, second] = [await ask('a'), await ask('b')]
  says(2, 'two')
  await answers([2], 'two', 'b')
  expect([first.told.end, second.told.end]).toEqual([null, answered('two')])
  says(1, 'o')
  says(1, 'ne')
  await answers([1], 'one', 'a')
  expect(first.told.end).toEqual(answered('one'))
  expect([first.heard(), second.heard()]).toEqual(['one', 'two'])
}

test('Q1 each of two at once gets its own answer, whichever comes first', () => eachItsOwn())

test.each<[string, Wrap]>([
  [
    'answers by order',
    (real) => changed(real, { send: (out, ...rest) => real.send({ ...out, replyTo: 'a' }, ...rest) }),
  ],
  [
    'answers whoever waits',
    (real) =>
      changed(real, {
        show: (place, progress) =>
          [1, 2].forEach((seq) => real.show(place, { ...progress, turn: turnIdOf({ seq }) } as typeof progress)),
      }),
  ],
])('an adapter that %s is caught', async (_, wrap) => {
  await expect(eachItsOwn(wrap)).rejects.toThrow(/expected/)
})

function changed(real: OpenAiAdapter, given: Partial<OpenAiAdapter>): OpenAiAdapter {
  const { run, send, show, fetch, probe, ask, committed, endAll } = real
  const bound = { run, send, show, fetch, probe, ask, committed, endAll }
  return {
    ...Object.fromEntries(Object.entries(bound).map(([name, act]) => [name, act.bind(real)])),
    ...given,
  } as OpenAiAdapter // All that an adapter has.
}

describe('what else becomes of a question', () => {
  const FAILURE: Failure = { kind: 'retryable', reason: 'unavailable', message: 'away' }
  const end = (outcome: 'dead' | 'discarded' | 'answered', reason: string | null = null) => [
    { seq: 1, outcome, reason },
  ]

  test.each<[string, Partial<Commit>, object]>([
    ['found no room', { settled: end('dead', INBOX_FULL), replies: [reply('not kept', 'a')] }, { kind: 'full' }],
    ['is set aside', { settled: end('dead', 'broke') }, { kind: 'broken' }],
    ['is stopped', { settled: end('discarded', 'stopped') }, { kind: 'stopped' }],
    [
      'is refused by a hook',
      { settled: end('discarded', 'a hook refused it: no'), replies: [reply('Your message was refused: no', 'a')] },
      { kind: 'failed', failure: { kind: 'permanent', reason: 'refused', message: 'Your message was refused: no' } },
    ],
    [
      'is answered as far as the model goes',
      {
        settled: end('answered'),
        entries: [{ role: 'assistant', turn: 'turn-1', text: 'half an', sender: null }],
        replies: [reply('half an', 'a')],
        isCut: true,
      },
      { ...answered('half an', NOTHING), isCut: true },
    ],
    [
      'fails',
      { settled: end('answered'), replies: [reply('no', 'a')], failure: FAILURE },
      { kind: 'failed', failure: FAILURE },
    ],
    [
      'is a command',
      { settled: end('answered'), replies: [reply('Session: x', 'a')] },
      answered('Session: x', NOTHING),
    ],
    [
      'is told to wait for a word',
      { replies: [reply('Your message waits', 'a')] },
      answered('Your message waits', NOTHING),
    ],
  ])('it %s', async (_, commit, told) => {
    const { ask, commits } = stage()
    const question = await ask('a')
    await commits(commit)
    expect(question.told.end).toEqual(told)
  })

  test('what of its files could not be read is said with the answer, behind it, as it is told and as it is heard', async () => {
    const { ask, commits, says } = stage()
    const question = await ask('a')
    says(1, 'It is ')
    await commits({
      settled: end('answered'),
      entries: [{ role: 'assistant', turn: turnIdOf({ seq: 1 }), text: 'It is a cat.', sender: null }],
      replies: [reply('The picture could not be read.', 'a'), reply('It is a cat.', 'a')],
    })
    const whole = 'It is a cat.\n\nThe picture could not be read.'
    expect([question.told.end, question.heard()]).toEqual([answered(whole, NOTHING), whole])
  })

  test('words to nobody in particular, and of other conversations, concern nobody who waits', async () => {
    const { ask, commits, adapter } = stage()
    const question = await ask('a')
    await commits({ replies: [reply('a new conversation begins', null)] })
    await commits({ sessionKey: null, settled: end('answered') })
    await adapter.send({ outboxId: 9, conversation: 'ops/anna', text: 'x', replyTo: 'a', uncertain: false }, 0, NEVER)
    expect(question.told.end).toBeNull()
  })

  test('given to a run on its way, it is answered by what answers that one', async () => {
    const { ask, answers } = stage()
    const [first, steers] = [await ask('a'), await ask('b')]
    await answers([1, 2], 'both', 'a')
    expect([first.told.end, steers.told.end]).toMatchObject([{ text: 'both' }, { text: 'both' }])
  })

  test('asked again, it waits for the same answer, or has what became of it', async () => {
    const { ask, answers } = stage()
    const [first, again] = [await ask('a'), await ask('a')]
    await answers([1], 'one', 'a')
    expect([first.told.end, again.told.end]).toMatchObject([{ text: 'one' }, { text: 'one' }])
    expect((await ask('a', { kind: 'past' })).told.end).toEqual({ kind: 'past' })
  })

  test('asked again, it hears the whole answer once: in the middle of it, and afterwards', async () => {
    const { ask, answers, says } = stage()
    const first = await ask('a')
    says(1, 'on')
    const again = await ask('a')
    says(1, 'e')
    await answers([1], 'one', 'a')
    const afterwards = await ask('a', { kind: 'answered', text: 'one', spent: NOTHING })
    expect([first, again, afterwards].map(({ heard }) => heard())).toEqual(['one', 'one', 'one'])
  })

  test('H5 its client leaves: the message is taken back, and nobody is told', async () => {
    const { ask, answers, withdrawn } = stage()
    const question = await ask('a')
    question.leave()
    await question.asked
    await answers([1], 'one', 'a')
    expect([question.told.end, withdrawn, question.heard()]).toEqual([{ kind: 'left' }, [1], ''])
  })

  test('H5 asked again before the end of a lost connection is noticed: it goes on for whoever asked again', async () => {
    const { ask, answers, withdrawn } = stage()
    const [lost, again] = [await ask('a'), await ask('a')]
    lost.leave()
    await lost.asked
    expect(withdrawn).toEqual([])
    await answers([1], 'one', 'a')
    expect(again.told.end).toMatchObject({ text: 'one' })
  })

  test('the process ends, or the channel leaves the file: who waits is told that it is kept', async () => {
    const { ask, adapter, connection, world, running } = stage()
    const [first, second] = [await ask('a'), await ask('b')]
    connection.abort()
    await running
    expect((await ask('c')).told.end).toEqual({ kind: 'turnedAway', reason: 'paused' })
    expect(first.told.end).toBeNull()
    world.advance(30_000)
    await Promise.all([first.asked, second.asked])
    expect([first.told.end, second.told.end]).toEqual([{ kind: 'kept' }, { kind: 'kept' }])
    adapter.endAll()
  })

  test('run waits for what it handed over before it settles', async () => {
    const kept = Promise.withResolvers<Reception>()
    const { ask, connection, running } = stage(undefined, () => kept.promise)
    const question = await ask('a')
    connection.abort()
    let hasEnded = false
    void running.then(() => (hasEnded = true))
    await settled()
    expect(hasEnded).toBe(false)
    kept.resolve({ accepted: false, reason: 'tooLong' })
    await running
    expect(await question.asked).toEqual({ kind: 'turnedAway', reason: 'tooLong' })
  })
})

describe('somebody’s word', () => {
  test('S39 who asked is shown what is asked about; who decides hears the run to its end', async () => {
    const { ask, commits, answers, says } = stage()
    const first = await ask('a')
    says(1, 'Let me see.')
    await commits({ steps: ofTurn(1, asks('1')), replies: [reply('cfo asks to use write', null)] })
    expect(first.told.end).toMatchObject({ text: 'cfo asks to use write' })
    expect(first.heard()).toBe('Let me see.\n\ncfo asks to use write')
    const second = await ask('/approve')
    const own = [{ seq: 2, outcome: 'answered', reason: null }] as const
    await commits({ settled: own, steps: ofTurn(1, approves('1')), replies: [reply('Approved: write.', '/approve')] })
    expect(second.told.end).toBeNull()
    await commits({ steps: ofTurn(1, { kind: 'result', call: '1', text: 'ok', failed: false }) })
    says(1, 'Done.')
    await answers([1], 'Done.', 'a')
    expect(second.told.end).toMatchObject({ text: 'Approved: write.\n\nDone.' })
    expect(second.heard()).toBe('Approved: write.\n\nDone.')
  })

  test('S40 while another word is waited for, each is answered by itself', async () => {
    const { ask, commits, answers } = stage()
    const first = await ask('a')
    const questions = [reply('one?', null), reply('two?', null)]
    await commits({ steps: ofTurn(1, asks('1', '2')), replies: questions })
    expect(first.told.end).toMatchObject({ text: 'one?\n\ntwo?' })
    const decide = async (seq: number, call: string) => {
      const question = await ask(`/approve ${call}`)
      const own = [{ seq, outcome: 'answered', reason: null }] as const
      await commits({
        settled: own,
        steps: ofTurn(1, approves(call)),
        replies: [reply('Approved.', `/approve ${call}`)],
      })
      return question
    }
    expect((await decide(2, '1')).told.end).toMatchObject({ text: 'Approved.' })
    const last = await decide(3, '2')
    expect(last.told.end).toBeNull()
    await answers([1], 'Done.', 'a')
    expect(last.told.end).toMatchObject({ text: 'Approved.\n\nDone.' })
  })
})

const NOTHING = { inputTokens: 0, outputTokens: 0 }
const NEVER = new AbortController().signal
