// Methods: the table of everything a bot can call. Names are compared without regard to case, as Telegram does.
// A method that is not in the table is answered 404 like one that does not exist.

import type { Bot } from './bot.ts'
import { botMethods } from './methods-bot.ts'
import { chatMethods } from './methods-chat.ts'
import { messageMethods } from './methods-message.ts'
import type { Parameters } from './parameters.ts'
import { Refusal } from './refusal.ts'

export interface Request {
  readonly bot: Bot
  readonly parameters: Parameters
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal
}

/** What stands beside `ok: true`. */
export interface Answer {
  readonly result: unknown
  readonly description?: string
}

export type Method = (request: Request) => Answer | Promise<Answer>

export interface NamedMethod {
  /** As Telegram writes it; the client's own spelling when there is no such method. */
  readonly name: string
  readonly act: Method
}

export function findMethod(name: string): NamedMethod {
  return METHODS.get(name.toLowerCase()) ?? { name, act: noSuchMethod }
}

function noSuchMethod(): never {
  throw new Refusal(404, 'Not Found: method not found')
}

const METHODS: ReadonlyMap<string, NamedMethod> = new Map(
  Object.entries({ ...botMethods, ...chatMethods, ...messageMethods }).map(([name, act]) => [
    name.toLowerCase(),
    { name, act },
  ]),
)
