// The real session from outside, one path of it. Everything that somebody outside can look at is compared after each event: what the
// bot said, what the model is asked and knows, which tool is at work, the session in /sessions, its transcript, its dead letters.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SnapshotFrom } from 'xstate'
import type { BotHandle, Person } from '../support/bot-api/server.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import type { Exchange, ModelRequest } from '../support/model-server.ts'
import type { Subject } from '../support/paths.ts'
import { deadLettersOf, kindSeen, sessionIn, type SessionSeen } from './session-outside-looks.ts'
import type { OutsideMachine } from './session-outside.ts'
import { knownTo, textsOf } from './session-subject.ts'
import { type Seen, type SessionEvent, visible, YES } from './session-words.ts'

export type Mode = 'queue' | 'interrupt'

export interface Asked {
  readonly request: ModelRequest
  readonly exchange: Exchange
  /** Nobody waits for its answer any more: it was given, or the gateway closed the connection. */
  isOver: boolean
}

export interface Calls {
  /** Who is at work now. */
  readonly open: Map<ServerResponse, string>
}

export interface Outside {
  readonly gateway: GatewayProcess
  readonly bot: BotHandle
  readonly mode: Mode
  readonly person: Person
  readonly asked: readonly Asked[]
  readonly calls: Calls
  readonly patienceMs: number
  /** Where the paths of this gateway ended. */
  readonly ended: End[]
}

export interface End {
  readonly seen: Seen
  readonly dead: number
}

const LOOK_MS = 10

/** Long enough for what should not come to be there. */
const QUIET_MS = 60

export function outsideSubject(outside: Outside): Subject<OutsideMachine> {
  const { bot, person, asked, calls, patienceMs } = outside
  let messages = 0
  const said: string[] = []
  let dead = 0
  let last: object = {}
  let end: Seen | null = null
  const label = (name: string): string => `${name}${++messages} of ${person.id}`
  const open = (): Asked | undefined => asked.find(({ isOver }) => !isOver)
  const ends = async (how: (exchange: Exchange) => Promise<void>): Promise<void> => {
    const waiting = open()
    if (waiting === undefined) throw new Error('the model is asked nothing')
    waiting.isOver = true
    await how(waiting.exchange)
  }
  const play: { [T in SessionEvent['type']]?: (event: Extract<SessionEvent, { type: T }>) => unknown } = {
    message: () => person.says(bot, label('m')),
    photo: () => person.sendsPhoto(bot, { caption: label('m') }),
    says: ({ command }) => person.says(bot, `/${command}`),
    steer: () => person.says(bot, `/steer ${label('steer')}`),
    decides: ({ word }) => person.says(bot, `/${word}`),
    answers: () => ends((exchange) => exchange.respond(YES)),
    fails: () => ends((exchange) => exchange.fail({ status: 400 })),
    asks: ({ tool: name }) =>
      ends((exchange) => exchange.respond({ chunks: [], calls: [{ id: `c${messages}`, name, arguments: '{}' }] })),
    toolEnds: () => {
      for (const response of calls.open.keys()) response.end('ok')
    },
  }

  async function seen(): Promise<object> {
    const shown = bot.shown(person.id).filter(({ from }) => from.isBot)
    return {
      said: shown.map(({ text }) => kindSeen(text)),
      // S1: more than one of either would be a second run.
      asked: asked.filter(({ isOver }) => !isOver).map(({ request }) => wordsOf(request)),
      tools: [...calls.open.values()],
      ...(await sessionIn(outside.gateway, `${outside.mode}/${person.id}`)),
      dead: await deadLettersOf(outside.gateway, String(person.id)),
    }
  }

  async function compareWith(expected: object): Promise<void> {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const found = await seen()
      try {
        return assert.deepEqual(found, expected)
      } catch (error) {
        if (performance.now() > deadline) throw error
        await sleep(LOOK_MS)
      }
    }
  }

  return {
    play: async (event) => void (await play[event.type]?.(event as never)), // Each knows its own event.
    async compare(state: SnapshotFrom<OutsideMachine>) {
      const { context } = state
      said.push(...context.said.filter((text) => !/^(answered|discarded|dead) \+/.test(text)))
      for (const text of context.said) dead += Number(/^dead \+(\d+)$/.exec(text)?.[1] ?? 0)
      last = { said: [...said], dead, ...expected(context) }
      await compareWith(last)
      end = context
    },
    async close() {
      // Nothing comes after the last event either.
      await sleep(QUIET_MS)
      assert.deepEqual(await seen(), last)
      if (end !== null) outside.ended.push({ seen: end, dead })
    },
  }
}

interface Expected extends SessionSeen {
  /** The words of each request that waits for an answer. */
  readonly asked: readonly (readonly string[])[]
  readonly tools: readonly string[]
}

function expected(seen: Seen): Expected {
  const { at, doing, steps, turn, given, inbox, history } = seen
  const thinks = at === 'working' && doing === 'thinking'
  const asked = (): string[] => [...knownTo(seen), ...textsOf(seen), ...given].map((text) => text.replaceAll('\n', ' '))
  return {
    asked: thinks ? [asked()] : [],
    tools: at === 'working' && doing === 'calling' ? [steps.includes('decision') ? 'write' : 'look'] : [],
    state: at === 'working' ? 'running' : at,
    waiting: turn.length + given.length + inbox.length,
    history: visible(history).flat(),
  }
}

/** What a request says, in order: what people wrote, what the model answered, and what is asked of it beyond that. */
function wordsOf({ messages }: ModelRequest): string[] {
  return messages
    .filter(({ role }) => role === 'user' || role === 'assistant')
    .flatMap(({ content }) => content.match(/\b(?:m|steer)\d+(?= of )|\byes\b|^Summarise/gm) ?? [])
    .map((word) => word.toLowerCase())
}
