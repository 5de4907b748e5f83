// People: the load of a crash run, and the ledger of what they said. Seeded; no two texts are alike.
// Web clients do what the contract asks of them: the same message_id again until it is said to be accepted.
//   A message counts as accepted when its platform was told so: 202, or said to Telegram, which offers it until it is confirmed.

import type { BotHandle, Fault, Person } from '../support/bot-api/server.ts'
import type { Random } from '../support/bot-api/random.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import type { Need } from './points.ts'

export interface Told {
  readonly channel: string
  readonly conversation: string
  readonly text: string
}

export interface WebSaid extends Told {
  accepted: boolean
}

export interface TelegramSaid extends Told {
  readonly bot: BotHandle
  readonly person: Person
}

/** When a process was at work, by performance.now: from its address, before which it sends nothing, until its end was seen. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

export interface Ledger {
  readonly telegram: TelegramSaid[]
  readonly web: WebSaid[]
  /** Accepted or not, as above; their answers do not say which of them they are to. */
  readonly undos: WebSaid[]
  readonly lives: Span[]
}

export interface Places {
  readonly bots: readonly { readonly channel: string; readonly bot: BotHandle; readonly people: readonly Person[] }[]
  readonly web: readonly { readonly channel: string; readonly conversations: readonly string[] }[]
  /** Where `/undo` is said, and nothing else while anybody is at work. */
  readonly undo: { readonly channel: string; readonly conversation: string }
}

export interface Crowd extends Places {
  readonly random: Random
  readonly ledger: Ledger
}

/** One thing in so many is said with a fault behind it, or is an `/undo`. Each fault holds its conversation up for a second. */
const CUT_ONE_IN = 150
const REFUSED_ONE_IN = 250
const BLOCKED_ONE_IN = 400
const UNDO_ONE_IN = 60

/** The life that wants to come by such a place makes some at once. */
const WANTED = 3

/** Telegram acts and nobody learns of it; it refuses for now; it refuses for good. */
const CUT: Fault = { kind: 'cutAfter' }
const REFUSED: Fault = { kind: 'error', code: 500, description: 'Internal Server Error' }
const BLOCKED: Fault = { kind: 'error', code: 403, description: 'Forbidden: bot was blocked by the user' }

/** What a life needs that is seldom by itself. */
export function provide(crowd: Crowd, need: Need | undefined, name: string): void {
  for (let index = 0; index < WANTED; index += 1) {
    const { bot } = chosen(crowd.random, crowd.bots)
    if (need === 'a refused send') bot.faults.next('sendMessage', REFUSED)
    if (need === 'a blocked send') bot.faults.next('sendMessage', BLOCKED)
    if (need === '/undo') undo(crowd, `${name}-wanted-${index}`)
  }
}

/** Somebody says something somewhere; a web message waits in the ledger until it is posted. */
export function somebodySpeaks(crowd: Crowd, name: string): void {
  const { random, bots, web, ledger } = crowd
  const place = bots[random.integer(0, bots.length + web.length - 1)]
  if (oneIn(random, UNDO_ONE_IN)) return undo(crowd, name)
  if (place === undefined) {
    const { channel, conversations } = chosen(random, web)
    ledger.web.push({
      channel,
      conversation: chosen(random, conversations),
      text: `${name}-${channel}`,
      accepted: false,
    })
    return
  }
  const { bot, channel, people } = place
  const person = chosen(random, people)
  const text = `${name}-${channel}`
  if (oneIn(random, CUT_ONE_IN)) bot.faults.next('sendMessage', CUT)
  if (oneIn(random, REFUSED_ONE_IN)) bot.faults.next('sendMessage', REFUSED)
  if (oneIn(random, BLOCKED_ONE_IN)) bot.faults.next('sendMessage', BLOCKED)
  person.says(bot, text)
  ledger.telegram.push({ channel, conversation: String(person.id), text, bot, person })
}

function undo({ ledger, undo: place }: Crowd, name: string): void {
  ledger.undos.push({ ...place, text: `/undo ${name}`, accepted: false })
}

/** Posts what is not accepted yet, each conversation in its order; what the gateway did not answer stays. */
export async function postWaiting(gateway: GatewayProcess, { web, undos }: Ledger): Promise<void> {
  const waiting = [...web, ...undos].filter(({ accepted }) => !accepted)
  const conversations = Map.groupBy(waiting, ({ conversation }) => conversation)
  await Promise.all([...conversations.values()].map((said) => postInOrder(gateway, said)))
}

async function postInOrder(gateway: GatewayProcess, said: readonly WebSaid[]): Promise<void> {
  for (const one of said) {
    one.accepted = await postOne(gateway, one)
    if (!one.accepted) return
  }
}

async function postOne(gateway: GatewayProcess, { channel, conversation, text }: WebSaid): Promise<boolean> {
  try {
    const response = await gateway.request(`/channels/${channel}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ conversation, user: 'anna', text, message_id: text }),
      signal: AbortSignal.timeout(10_000),
    })
    await response.arrayBuffer()
    return response.status === 202
  } catch {
    // Killed under the request: nobody knows, so it is said again.
    return false
  }
}

function oneIn(random: Random, many: number): boolean {
  return random.integer(1, many) === 1
}

function chosen<T>(random: Random, list: readonly T[]): T {
  const value = list[random.integer(0, list.length - 1)]
  if (value === undefined) throw new Error('the list is empty')
  return value
}
