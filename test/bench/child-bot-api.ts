// Child: the Bot API server in its own process, with the clock for everything that is measured on the way to a bot and back.
// Update and reply are seen by one clock here: no other process's scheduling is in a latency but the bot's own.

import { setTimeout as sleep } from 'node:timers/promises'
import type { BotApiServer, BotHandle } from '../support/bot-api/server.ts'
import { startBotApi } from '../support/bot-api/server.ts'

export interface BotApiCalls {
  /** Starts the server with this many bots. */
  open(options: { readonly bots: number }): Promise<{ readonly url: string; readonly tokens: readonly string[] }>
  /** One person says one thing at a time; milliseconds from each to the request that answers it. */
  latency(options: { readonly bot: number; readonly messages: number }): Promise<readonly number[]>
  /** So many people talk at once, each after their last answer; messages answered per second. */
  throughput(options: { readonly bot: number; readonly people: number; readonly messages: number }): Promise<number>
  /** So many new people say something, each so often; nothing is waited for. */
  say(options: { readonly bot: number; readonly people: number; readonly messages: number }): Promise<void>
  /** When (by Date.now) the next answer of a bot to anybody arrives. */
  firstAnswer(options: { readonly bot: number }): Promise<number>
}

/** Between an answer and the next message, so that what a bot does after its answer is over. */
const PAUSE_MS = 5

const ANSWER_MS_MAX = 30_000

let server: BotApiServer | undefined
const bots: BotHandle[] = []
let people = 0

const calls: { [Name in keyof BotApiCalls]: (argument: Parameters<BotApiCalls[Name]>[0]) => Promise<unknown> } = {
  async open({ bots: count }) {
    server = await startBotApi()
    for (let number = 1; number <= count; number += 1) {
      bots.push(server.addBot({ token: `${number}:bench-${number}`, username: `bench_${number}_bot` }))
    }
    return { url: server.url, tokens: bots.map((bot) => bot.token) }
  },
  async latency({ bot: number, messages }) {
    const bot = botOf(number)
    const person = newPerson()
    const seen = answers(bot)
    const measured: number[] = []
    for (let message = 0; message < messages; message += 1) {
      const saidAt = performance.now()
      person.says(bot, `message ${message}`)
      const answer = await bot.waitFor(() => seen.next(), ANSWER_MS_MAX)
      measured.push(answer.at - saidAt)
      await sleep(PAUSE_MS)
    }
    return measured
  },
  async throughput({ bot: number, people: count, messages }) {
    const bot = botOf(number)
    const seen = answers(bot)
    const crowd = new Map(Array.from({ length: count }, newPerson).map((person) => [String(person.id), person]))
    const startedAt = performance.now()
    let said = 0
    const speak = (chat: string): void => {
      if (said >= messages) return
      said += 1
      crowd.get(chat)?.says(bot, `message ${said}`)
    }
    for (const chat of crowd.keys()) speak(chat)
    for (let answered = 0; answered < messages; answered += 1) {
      const answer = seen.next() ?? (await bot.waitFor(() => seen.next(), ANSWER_MS_MAX))
      speak(String(answer.payload['chat_id']))
    }
    return (messages * 1_000) / (performance.now() - startedAt)
  },
  async say({ bot: number, people: count, messages }) {
    const bot = botOf(number)
    for (const person of Array.from({ length: count }, newPerson)) {
      for (let message = 0; message < messages; message += 1) person.says(bot, `message ${message}`)
    }
  },
  async firstAnswer({ bot: number }) {
    const bot = botOf(number)
    const seen = answers(bot)
    const answer = await bot.waitFor(() => seen.next(), ANSWER_MS_MAX)
    return performance.timeOrigin + answer.at
  },
}

process.on('message', (asked: { id: number; call: keyof BotApiCalls; argument: never }) => {
  calls[asked.call](asked.argument).then(
    (result) => process.send?.({ id: asked.id, result }),
    (error: unknown) => process.send?.({ id: asked.id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())

function botOf(number: number): BotHandle {
  const bot = bots[number]
  if (bot === undefined) throw new Error(`There is no bot ${number}.`)
  return bot
}

function newPerson() {
  if (server === undefined) throw new Error('The server is not open.')
  people += 1
  return server.person({ id: 1_000_000 + people, firstName: `Person ${people}` })
}

/** The answers of a bot that come from now on, each once; progress like typing is none. */
function answers(bot: BotHandle) {
  let place = bot.calls.length
  return {
    next() {
      while (place < bot.calls.length) {
        const call = bot.calls[place]
        place += 1
        if (call?.method === 'sendMessage') return call
      }
      return undefined
    },
  }
}
