// People: the load of a crash run, and the ledger of what they said. Seeded; no two texts are alike.
// Web clients do what the contract asks of them: the same message_id again until it is said to be accepted.
//   A message counts as accepted when its platform was told so: 202, or said to Telegram, which offers it until it is confirmed.

import type { BotHandle, Person } from '../support/bot-api/server.ts'
import type { Random } from '../support/bot-api/random.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'

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

export interface Ledger {
  readonly telegram: TelegramSaid[]
  readonly web: WebSaid[]
}

export interface Town {
  readonly random: Random
  readonly bots: readonly { readonly channel: string; readonly bot: BotHandle; readonly people: readonly Person[] }[]
  readonly web: { readonly channel: string; readonly conversations: readonly string[] }
  readonly ledger: Ledger
  /** One message in so many is followed by a send whose connection is cut after Telegram acted. */
  readonly cutOneIn: number
}

/** Somebody says something somewhere; a web message waits in the ledger until it is posted. */
export function somebodySpeaks(town: Town, name: string): void {
  const { random, bots, web, ledger } = town
  const place = bots[random.integer(0, bots.length)]
  if (place === undefined) {
    const conversation = chosen(random, web.conversations)
    ledger.web.push({ channel: web.channel, conversation, text: `${name}-web`, accepted: false })
    return
  }
  const { bot, channel, people } = place
  const person = chosen(random, people)
  const text = `${name}-${channel}`
  // Telegram shows an answer, and nobody learns of it.
  if (random.integer(1, town.cutOneIn) === 1) bot.faults.next('sendMessage', { kind: 'cutAfter' })
  person.says(bot, text)
  ledger.telegram.push({ channel, conversation: String(person.id), text, bot, person })
}

/** Posts what is not accepted yet, in order; what the gateway did not answer stays. */
export async function postWaiting(gateway: GatewayProcess, ledger: Ledger): Promise<void> {
  for (const said of ledger.web.filter(({ accepted }) => !accepted)) {
    said.accepted = await postOne(gateway, said)
    if (!said.accepted) return
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

function chosen<T>(random: Random, list: readonly T[]): T {
  const value = list[random.integer(0, list.length - 1)]
  if (value === undefined) throw new Error('the list is empty')
  return value
}
