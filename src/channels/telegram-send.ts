// Telegram send: one part of a reply → one message in the right place.

import { type Failure, FailureError } from '../../machines/failure.ts'
import { CONNECT_MS_MAX } from '../../machines/limits.ts'
import type { Choice } from '../../machines/messages.ts'
import type { Outgoing, Receipt } from './adapter.ts'
import type { BotApi, Limit, TextMessage } from './telegram-api.ts'
import { certain, isAboutMarkup, isAboutReply, RefusalError } from './telegram-failure.ts'
import { decodeConversation, decodeMessage, type Place } from './telegram-inbound.ts'
import { renderMarkdown } from './telegram-markup.ts'
import { splitMarkdown } from './telegram-split.ts'

interface PartMessage {
  readonly markdown: string
  readonly place: Place
  readonly replyTo: number | null
  readonly buttons: readonly Choice[]
}

/** Telegram's limit for what a button sends back. A choice beyond it has no button; its text can still be written. */
const BUTTON_BYTES_MAX = 64

export async function sendPart(
  api: BotApi,
  { outgoing, part }: { readonly outgoing: Outgoing; readonly part: number },
  limit: Limit,
): Promise<Receipt> {
  const place = decodeConversation(outgoing.conversation)
  if (place === null) throw new FailureError(noConversation(outgoing.conversation))
  if (outgoing.uncertain) await checkThere(api, limit)
  const parts = splitMarkdown(outgoing.text)
  const markdown = parts[part]
  if (markdown === undefined) throw new FailureError(noPart(part, parts.length))
  const replyTo = part === 0 ? decodeMessage(outgoing.replyTo ?? '') : null
  const last = part === parts.length - 1
  const buttons = last ? buttonsOf(outgoing) : []
  const messageId = await sendMarkdown(api, { markdown, place, replyTo, buttons }, limit)
  return { receipt: String(messageId), last }
}

/** A send that is in doubt is repeated once (D2): that once is not spent while Telegram, or a proxy before it, is away. */
async function checkThere(api: BotApi, { signal }: Limit): Promise<void> {
  try {
    await api.getMe({ signal, withinMs: CONNECT_MS_MAX })
  } catch (error) {
    throw certain(error)
  }
}

function buttonsOf({ choices = [] }: Outgoing): readonly Choice[] {
  return choices.filter(({ text }) => Buffer.byteLength(text) <= BUTTON_BYTES_MAX)
}

/** With markup; as it was written when Telegram refuses that; once more in the supergroup that the group became. */
async function sendMarkdown(api: BotApi, message: PartMessage, limit: Limit): Promise<number> {
  const { markdown, place, replyTo, buttons } = message
  const send = (text: Pick<TextMessage, 'text' | 'format'>) =>
    sendText(api, { place, ...text, replyTo, buttons }, limit)
  try {
    return await send({ text: renderMarkdown(markdown), format: 'html' })
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error
    if (isAboutMarkup(error.refusal)) return await send({ text: markdown, format: 'plain' })
    const { migratedTo } = error.refusal
    if (migratedTo === null || migratedTo === place.chat) throw error
    // Message ids begin anew there: the one that was answered would be another message.
    const moved = { chat: migratedTo, topic: null }
    return await sendMarkdown(api, { markdown, place: moved, replyTo: null, buttons }, limit)
  }
}

/** As an answer to its message; without that where the message is gone and the server refuses what Telegram itself would send. */
async function sendText(
  api: BotApi,
  { place, ...text }: TextMessage & { place: Place },
  limit: Limit,
): Promise<number> {
  try {
    return await api.sendMessage(place, text, limit)
  } catch (error) {
    if (text.replyTo === null || !(error instanceof RefusalError) || !isAboutReply(error.refusal)) throw error
    return await api.sendMessage(place, { ...text, replyTo: null }, limit)
  }
}

function noPart(part: number, count: number): Failure {
  return { kind: 'permanent', reason: 'refused', message: `the reply has ${count} parts; there is no part ${part}` }
}

function noConversation(conversation: string): Failure {
  return {
    kind: 'permanent',
    reason: 'notFound',
    message: `"${conversation}" is no Telegram conversation`,
    remedy: 'Give the number of the chat, or CHAT:TOPIC for a topic; /whoami shows it',
  }
}
