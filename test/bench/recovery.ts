// Recovery: a gateway with many sessions on disk and many messages at work or waiting is killed outright; how long until the
// next one is ready, until somebody has an answer, and until everybody has.

import { openStore } from '../../src/store/sqlite.ts'
import type { NewMessage, Store } from '../../src/store/store.ts'
import { realWorld } from '../../src/world.ts'
import type { BotApiCalls } from './child-bot-api.ts'
import { untilLeft, untilQuiet } from './port.ts'
import { Bench, dataIn, startBotApiProcess, startGatewayIn, type Subject, type SubjectOptions } from './processes.ts'
import { atMost, type MeasureOptions, type Section } from './report.ts'
import { telegramBots } from './start.ts'

const SESSIONS = 10_000
const WAITING = 1_000

const READY_SECONDS_MAX = 5
const ANSWER_SECONDS_MAX = 1

export interface RecoveryOptions extends MeasureOptions, Pick<SubjectOptions, 'nodeFlags'> {
  readonly sessions?: number
  readonly waiting?: number
}

export async function measureRecovery(options: RecoveryOptions): Promise<Section> {
  await using bench = new Bench()
  const calls = startBotApiProcess(bench)
  const { url, tokens } = await calls.open({ bots: 1 })
  const folder = bench.folder()
  const sessions = options.sessions ?? (options.size === 'quick' ? SESSIONS / 10 : SESSIONS)
  const waiting = options.waiting ?? (options.size === 'quick' ? WAITING / 10 : WAITING)
  await fill(dataIn(folder), sessions)
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    const { nodeFlags = [] } = options
    rounds.push(await measureRound({ bench, calls, folder, nodeFlags, waiting, api: { url, tokens } }))
  }
  const of = (figure: keyof Round) => rounds.map((round) => round[figure])
  const [ready, answer] = [of('readySeconds'), of('answerSeconds')]
  const messages = `${waiting.toLocaleString('en')} waiting messages`
  return {
    name: 'recovery',
    about: `after kill -9, Telegram, echo; ${sessions.toLocaleString('en')} sessions on disk, ${messages}`,
    rows: [
      {
        what: 'ready after',
        unit: 's',
        rounds: ready,
        target: atMost(ready, READY_SECONDS_MAX, `within ${READY_SECONDS_MAX} s`),
      },
      { what: 'processor time until then', unit: 'ms', rounds: of('readyProcessorMs') },
      {
        what: 'then the first answer within',
        unit: 's',
        rounds: answer,
        target: atMost(answer, ANSWER_SECONDS_MAX, `${ANSWER_SECONDS_MAX} s`),
      },
      { what: 'and all answers within', unit: 's', rounds: of('allSeconds') },
    ],
  }
}

interface Round {
  /** From the start of the process. */
  readonly readySeconds: number
  readonly readyProcessorMs: number
  /** From then; 0: it was there before. */
  readonly answerSeconds: number
  readonly allSeconds: number
}

interface Recovering {
  readonly bench: Bench
  readonly calls: BotApiCalls
  readonly folder: string
  readonly nodeFlags: readonly string[]
  readonly waiting: number
  readonly api: { readonly url: string; readonly tokens: readonly string[] }
}

/** No run of the first life ends. */
const ENDLESS = { provider: 'echo', delay: '9m' }

async function measureRound({ bench, calls, folder, nodeFlags, waiting, api }: Recovering): Promise<Round> {
  const configuration = (model: object | string) => telegramBots(api.url, api.tokens, model)
  const first = await startGatewayIn(folder, configuration(ENDLESS), { bench })
  await calls.say({ bot: 0, people: waiting, messages: 1 })
  await untilLeft(urlOf(first), ({ pending, running }) => pending + running === waiting)
  await first.kill()
  const answered = calls.firstAnswer({ bot: 0 })
  // Whoever ends the measurement early ends the server too.
  answered.catch(() => {})
  const second = await startGatewayIn(folder, configuration('echo'), { bench, nodeFlags })
  const readyAt = performance.timeOrigin + performance.now()
  const readyProcessorMs = second.processorMs()
  const ready = await fetch(`${urlOf(second)}/readyz`)
  if (!ready.ok) throw new Error(`The gateway is live and not ready: ${ready.status}.`)
  await ready.arrayBuffer()
  const answerSeconds = Math.max(0, (await answered) - readyAt) / 1_000
  await untilQuiet(urlOf(second))
  const allSeconds = (performance.timeOrigin + performance.now() - readyAt) / 1_000
  await second.stop()
  return { readySeconds: second.liveSeconds, readyProcessorMs, answerSeconds, allSeconds }
}

function urlOf({ url }: Subject): string {
  if (url === null) throw new Error('The gateway did not say where it listens.')
  return url
}

const AT_ONCE = 512

/** So many sessions with one turn each, answered and delivered. */
async function fill(folder: string, sessions: number): Promise<void> {
  const holder = { pid: process.pid, url: null, startedAt: new Date().toISOString() }
  const store = openStore({ folder, holder, world: realWorld({}) })
  try {
    for (let done = 0; done < sessions; done += AT_ONCE) {
      const count = Math.min(AT_ONCE, sessions - done)
      await Promise.all(Array.from({ length: count }, (_, index) => oneSession(store, done + index)))
    }
  } finally {
    await store.close()
  }
}

async function oneSession(store: Store, number: number): Promise<void> {
  const message = messageOf(number)
  const { seq } = await store.accept(message)
  const { channel, conversation, sessionKey, sender, text } = message
  const entry = { turn: `turn-${seq}` }
  await store.commit({
    channel,
    sessionKey,
    settled: [{ seq, outcome: 'answered', reason: null }],
    entries: [
      { ...entry, role: 'user', text, sender },
      { ...entry, role: 'assistant', text: `echo heard: ${text}`, sender: null },
    ],
    replies: [{ conversation, text: `echo heard: ${text}`, replyTo: null }],
  })
  const owed = await store.nextOwed(channel, conversation)
  if (owed === null) throw new Error('The store does not owe what was committed.')
  await store.receipt(owed.id, '1', true)
}

function messageOf(number: number): NewMessage {
  const conversation = String(900_000_000 + number)
  return {
    channel: 'bot_1',
    conversation,
    platformMessageId: '1',
    kind: 'dm',
    sender: { id: conversation, name: 'Anna', handle: null },
    text: `message ${number}`,
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
    sessionKey: `bot_1/${conversation}`,
    agent: 'echo',
    command: null,
    journaled: false,
  }
}
