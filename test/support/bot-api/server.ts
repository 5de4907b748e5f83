// Bot API server: a strict stand-in for Telegram on 127.0.0.1, for tests of anything that speaks the Bot API over HTTP.
// It keeps chats as Telegram does and refuses what Telegram refuses, in the same words. It needs no network and no real token.
// A test holds both ends: bots talk to `url`, people and groups are handles (control.ts says what they can do).
//   B1. Nothing leaves loopback.  B2. No request can stop the server.  B3. `close` ends every connection, held polls too.
// What is simplified stands at the head of the file it concerns; a method that is not listed in methods*.ts answers 404.

import type { BotApiOptions, BotApiServer } from './control.ts'
import { listen } from './http.ts'
import { Telegram } from './telegram.ts'

export type * from './control.ts'
export type * from './wire.ts'

/** Starts a Bot API server on a free port of 127.0.0.1. Close it at the end of the test. */
export async function startBotApi(options: BotApiOptions = {}): Promise<BotApiServer> {
  const telegram = new Telegram({ seed: options.seed ?? 1, floodControl: options.floodControl ?? false })
  const { server, url } = await listen(telegram)
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()))
  return {
    url,
    addBot: (bot) => telegram.addBot(bot),
    person: (person) => telegram.addPerson(person),
    group: (group) => telegram.addGroup(group),
    close: () => {
      telegram.closing.abort()
      if (server.listening) server.close()
      server.closeAllConnections()
      return closed
    },
  }
}
