// Typing and drafts, on a clock that the test moves: what Telegram is asked, when, and when it is not asked any more.

import { describe, expect, test } from 'vitest'
import type { Progress, SessionState } from '../../machines/messages.ts'
import { createProgress, draftId, type TelegramProgress } from '../../src/channels/telegram-progress.ts'
import { movedWorld } from './telegram-support.ts'

interface Call {
  readonly kind: 'typing' | 'draft'
  readonly conversation: string
  readonly text: string
  readonly signal: AbortSignal
  readonly finish: () => void
  readonly fail: (error: unknown) => void
}

/** `hang`: calls stay open until the test ends them or they are aborted. */
function setUp(calls: 'answer' | 'hang' = 'answer', build = createProgress) {
  const world = movedWorld()
  const made: Call[] = []
  let off = 0
  const record = (call: Pick<Call, 'kind' | 'conversation' | 'text' | 'signal'>) => {
    const { signal } = call
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    made.push({ ...call, finish: resolve, fail: reject })
    signal.addEventListener('abort', () => reject(new Error('aborted')))
    if (calls === 'answer') resolve()
    return promise
  }
  const progress = build({
    world,
    hasDrafts: (conversation) => !conversation.startsWith('-'),
    quietMsOf: (error) => (error === 'slow down' ? 10_000 : 0),
    isUnsupported: (error) => error === 'unknown method',
    onDraftsOff: () => {
      off += 1
    },
    calls: {
      type: (conversation, signal) => record({ kind: 'typing', conversation, text: '', signal }),
      draft: (conversation, draft, signal) => record({ kind: 'draft', conversation, text: draft.text, signal }),
    },
  })
  progress.resume()
  const of = (kind: 'typing' | 'draft') => made.filter((call) => call.kind === kind)
  return { world, progress, made, of, timesOff: () => off }
}

const state = (value: SessionState, session = 's1'): Progress => ({ kind: 'state', session, state: value })
const delta = (text: string, turn = 't1', session = 's1'): Progress => ({ kind: 'delta', session, turn, text })

function run(progress: TelegramProgress, ...shown: Progress[]): void {
  for (const each of shown) progress.show('7', each)
}

describe('typing', () => {
  test('begins at once, is repeated every four seconds and stops when the session is idle', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('pending'), state('running'))
    expect(of('typing')).toHaveLength(1)
    await world.advance(8_100)
    expect(of('typing')).toHaveLength(3)
    run(progress, state('idle'))
    await world.advance(60_000)
    expect(of('typing')).toHaveLength(3)
    expect(world.timers).toBe(0)
  })

  test('goes on while another session of the conversation is busy', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'), state('running', 's2'), state('idle'))
    await world.advance(4_100)
    expect(of('typing')).toHaveLength(2)
    run(progress, state('idle', 's2'))
    expect(world.timers).toBe(0)
  })

  test('S51 a call that hangs delays nothing: the next takes its place, and idle ends it', async () => {
    const { world, progress, of } = setUp('hang')
    run(progress, state('running'))
    await world.advance(4_100)
    expect(of('typing').map((call) => call.signal.aborted)).toEqual([true, false])
    run(progress, state('idle'))
    expect(of('typing').map((call) => call.signal.aborted)).toEqual([true, true])
  })

  test('ends by itself when no idle ever comes', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'))
    await world.advance(60 * 60_000)
    expect(of('typing').length).toBeLessThan(200)
    expect(world.timers).toBe(0)
  })

  test('S48 leaves the conversation alone for as long as Telegram asked', async () => {
    const { world, progress, of } = setUp('hang')
    run(progress, state('running'))
    of('typing')[0]?.fail('slow down')
    await world.advance(0)
    await world.advance(8_100)
    expect(of('typing')).toHaveLength(1)
    await world.advance(4_000)
    expect(of('typing')).toHaveLength(2)
  })

  test('rests without a connection, and goes on with the next one', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'))
    await progress.pause()
    expect(world.timers).toBe(0)
    run(progress, state('running', 's2'))
    await world.advance(10_000)
    expect(of('typing')).toHaveLength(1)
    progress.resume()
    expect(of('typing')).toHaveLength(2)
    run(progress, state('idle'), state('idle', 's2'))
    expect(world.timers).toBe(0)
  })
})

describe('drafts', () => {
  test('carry what came so far, in at most one call per 700 ms', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'))
    for (const text of 'abcdefghij') {
      run(progress, delta(text))
      await world.advance(200)
    }
    await world.advance(2_000)
    expect(of('draft').map((call) => call.text)).toEqual(['abcd', 'abcdefgh', 'abcdefghij'])
  })

  test('are never two at a time for one conversation', async () => {
    const { world, progress, of } = setUp('hang')
    run(progress, state('running'), delta('a'))
    await world.advance(700)
    run(progress, delta('b'))
    await world.advance(5_000)
    expect(of('draft')).toHaveLength(1)
    of('draft')[0]?.finish()
    await world.advance(0)
    await world.advance(700)
    expect(of('draft').map((call) => call.text)).toEqual(['a', 'ab'])
  })

  test('are cut to one message, and half a character never goes out', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'), delta('a'.repeat(4_095)), delta('👍'))
    await world.advance(700)
    expect(of('draft')[0]?.text).toBe(`${'a'.repeat(4_095)}\ufffd`)
  })

  test('exist in private chats only', async () => {
    const { world, progress, of } = setUp()
    progress.show('-1001', state('running'))
    progress.show('-1001', delta('a'))
    await world.advance(5_000)
    expect(of('draft')).toHaveLength(0)
  })

  test('S52 a server that knows none is asked once, and it is said once', async () => {
    const { world, progress, of, timesOff } = setUp('hang')
    run(progress, state('running'), delta('a'))
    await world.advance(700)
    of('draft')[0]?.fail('unknown method')
    await world.advance(0)
    run(progress, delta('b'), state('idle'), state('running'), delta('c', 't2'))
    await world.advance(10_000)
    expect(of('draft')).toHaveLength(1)
    expect(timesOff()).toBe(1)
  })

  test('have an id that is stable for the turn and never zero', () => {
    expect(draftId('turn-1')).toBe(draftId('turn-1'))
    expect(draftId('turn-1')).not.toBe(draftId('turn-2'))
    for (let index = 0; index < 5_000; index += 1) expect(draftId(`t${index}`)).toBeGreaterThan(0)
  })
})

describe('S6 nothing of a turn that ended is drafted', () => {
  test('after idle: what waits is dropped, what is under way is ended, what comes late is ignored', async () => {
    await expect(checkEnded(createProgress)).resolves.toBeUndefined()
  })

  test('the check sees a subject that ignores idle', async () => {
    const deaf: typeof createProgress = (options) => {
      const progress = createProgress(options)
      const show = (name: string, shown: Progress) => {
        if (shown.kind === 'delta' || shown.state !== 'idle') progress.show(name, shown)
      }
      return { ...progress, show }
    }
    await expect(checkEnded(deaf)).rejects.toThrow()
  })

  test('after a newer turn began, and when the session is pending again', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'), delta('old'), delta('new', 't2'), delta('late'))
    await world.advance(2_000)
    expect(of('draft').map((call) => call.text)).toEqual(['new'])
    run(progress, state('pending'), delta('while pending', 't2'), state('running'), delta('late', 't2'))
    await world.advance(2_000)
    expect(of('draft')).toHaveLength(1)
    run(progress, delta('third', 't3'))
    await world.advance(2_000)
    expect(of('draft').map((call) => call.text)).toEqual(['new', 'third'])
  })

  test('the old turn of the same session stays ended when the session runs again', async () => {
    const { world, progress, of } = setUp()
    run(progress, state('running'), delta('old'), state('idle'), state('running'), delta('late'))
    await world.advance(2_000)
    expect(of('draft')).toHaveLength(0)
  })
})

async function checkEnded(build: typeof createProgress): Promise<void> {
  const { world, progress, of } = setUp('hang', build)
  run(progress, state('running'), delta('a'))
  await world.advance(700)
  run(progress, delta('b'), state('idle'), delta('c'))
  expect(of('draft').map((call) => call.signal.aborted)).toEqual([true])
  await world.advance(10_000)
  expect(of('draft')).toHaveLength(1)
  expect(world.timers).toBe(0)
}
