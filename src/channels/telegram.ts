// Telegram: the Adapter of one bot. The only file that knows grammY, whose Api names the methods and their types.
// Polling, transport and time are ours: grammY's own polling would confirm an update that could not be kept, and wait for
// ever when Telegram is down.
//   A3. The token is taken from the secret for each request, and stands in no failure and no log line.

import { Api, GrammyError, HttpError } from 'grammy/web'
import { type Failure, FailureError, failureOf } from '../../machines/failure.ts'
import { CONNECT_MS_MAX, SEND_MS_MAX } from '../../machines/limits.ts'
import type { Attachment } from '../../machines/media.ts'
import type { Adapter, AdapterParts, Fetching } from './adapter.ts'
import type { BotApi, Limit, TextMessage } from './telegram-api.ts'
import { connect, identityOf } from './telegram-connection.ts'
import { type Deadline, startDeadline } from './telegram-deadline.ts'
import { download } from './telegram-download.ts'
import { brokenFailure, endedFailure, isAboutMethod, missingToken, RefusalError } from './telegram-failure.ts'
import { decodeConversation, type Place } from './telegram-inbound.ts'
import { createProgress, type TelegramProgress } from './telegram-progress.ts'
import { sendPart } from './telegram-send.ts'
import { createTransport, TransportError } from './telegram-transport.ts'

const API_ROOT = 'https://api.telegram.org'

/** Typing and drafts are worthless later. */
const PROGRESS_MS_MAX = 10_000

/** Only a safety net behind our own deadlines; grammY's default is 500. */
const GRAMMY_SECONDS = 120

export function createTelegramAdapter(parts: AdapterParts): Adapter {
  const api = createBotApi(parts)
  const progress = progressOf(parts, api)
  return {
    run: (door, signal) => connect({ parts, api, progress, door }, signal),
    send: (outgoing, part, signal) => sendPart(api, { outgoing, part }, { signal, withinMs: SEND_MS_MAX }),
    show: (conversation, shown) => progress.show(conversation, shown),
    fetch: (attachment, fetching) => fetchFile(api, attachment, fetching),
    probe: async (signal) => identityOf(await api.getMe({ signal, withinMs: CONNECT_MS_MAX })),
  }
}

function progressOf(parts: AdapterParts, api: BotApi): TelegramProgress {
  const at = async (conversation: string, act: (place: Place) => Promise<void>) => {
    const place = decodeConversation(conversation)
    if (place !== null) await act(place)
  }
  return createProgress({
    world: parts.world,
    hasDrafts: (conversation) => (decodeConversation(conversation)?.chat ?? 0) > 0,
    quietMsOf: (error) => failureOf(error).retryAfterMs ?? 0,
    isUnsupported: (error) => error instanceof RefusalError && isAboutMethod(error.refusal),
    onDraftsOff: () => parts.log.info({}, 'this Bot API server takes no drafts: answers are not streamed'),
    calls: {
      type: (name, signal) => at(name, (place) => api.sendTyping(place, { signal, withinMs: PROGRESS_MS_MAX })),
      draft: (name, draft, signal) =>
        at(name, (place) => api.sendDraft(place, draft, { signal, withinMs: PROGRESS_MS_MAX })),
    },
  })
}

async function fetchFile(api: BotApi, { reference }: Attachment, fetching: Fetching): Promise<void> {
  if (reference === null) throw new FailureError(NO_FILE)
  const { signal, withinMs } = fetching
  await api.download(await api.getFile(reference, { signal, withinMs }), fetching)
}

const NO_FILE = { kind: 'permanent', reason: 'notFound', message: 'Telegram gives no file of it' } as const

// --- grammY -------------------------------------------------------------------------------------------------------

/** grammY's own AbortSignal, from a package older than Node's. */
type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>

function createBotApi(parts: AdapterParts): BotApi {
  const call = createCall(parts)
  return {
    getMe: (limit) => call(limit, (api, signal) => api.getMe(signal)),
    async deleteWebhook(limit) {
      await call(limit, (api, signal) => api.deleteWebhook({ drop_pending_updates: false }, signal))
    },
    async setCommands(commands, limit) {
      const list = Object.entries(commands).map(([command, description]) => ({ command, description }))
      await call(limit, (api, signal) => api.setMyCommands(list, {}, signal))
    },
    async getUpdates({ offset, limit: most, timeoutSeconds }, limit) {
      const asked = { limit: most, timeout: timeoutSeconds, allowed_updates: ['message', 'callback_query'] as const }
      const from = offset === undefined ? {} : { offset }
      const updates: unknown = await call(limit, (api, signal) => api.getUpdates({ ...asked, ...from }, signal))
      if (Array.isArray(updates)) return updates
      throw new FailureError(brokenFailure('a poll was answered with something that is not a list', false))
    },
    async sendMessage(place, message, limit) {
      const options = { ...threadOf(place), ...optionsOf(message) }
      const sent = await call(limit, (api, signal) => api.sendMessage(place.chat, message.text, options, signal))
      return sent.message_id
    },
    async answerPress(press, limit) {
      await call(limit, (api, signal) => api.answerCallbackQuery(press, {}, signal))
    },
    async getFile(id, limit) {
      const file = await call(limit, (api, signal) => api.getFile(id, signal)).catch((error: unknown) => {
        throw isTooBig(error) ? new FailureError(TOO_BIG) : error
      })
      if (typeof file.file_path === 'string' && file.file_path !== '') return file.file_path
      throw new FailureError(NO_FILE)
    },
    download: (path, fetching) =>
      withToken(parts, fetching, (root, signal) => download(root, path, { ...fetching, signal })),
    async sendTyping(place, limit) {
      await call(limit, (api, signal) => api.sendChatAction(place.chat, 'typing', threadOf(place), signal))
    },
    async sendDraft(place, { id, text }, limit) {
      await call(limit, (api, signal) => api.sendMessageDraft(place.chat, id, text, threadOf(place), signal))
    },
  }
}

/** Telegram's own servers give a bot files of up to 20 MB; a Bot API server of one's own gives larger ones. */
function isTooBig(error: unknown): boolean {
  return error instanceof RefusalError && /file is too big/i.test(error.refusal.description)
}

const TOO_BIG: Failure = {
  kind: 'permanent',
  reason: 'refused',
  message: 'Telegram gives bots no file larger than 20 MB',
  remedy: 'Send a smaller one, or a link to it',
}

function threadOf(place: Place): { message_thread_id?: number } {
  return place.topic === null ? {} : { message_thread_id: place.topic }
}

function optionsOf({ format, replyTo, buttons }: TextMessage) {
  const row = buttons.map(({ label, text }) => ({ text: label, callback_data: text }))
  return {
    // A preview makes Telegram fetch an address that a model wrote, and buries the answer.
    link_preview_options: { is_disabled: true },
    ...(format === 'html' ? { parse_mode: 'HTML' as const } : {}),
    ...(replyTo === null ? {} : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
    ...(row.length === 0 ? {} : { reply_markup: { inline_keyboard: [row] } }),
  }
}

type Call = <T>(limit: Limit, act: (api: Api, signal: GrammySignal) => Promise<T>) => Promise<T>

function rootOf({ definition }: AdapterParts): string {
  return (definition.apiRoot ?? API_ROOT).replace(/\/+$/, '')
}

/** Where the files of this bot are; the address ends in its token. */
async function withToken<T>(
  parts: AdapterParts,
  { signal, withinMs }: Limit,
  act: (root: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { definition, secret, world } = parts
  if (definition.token === null) throw new FailureError(missingToken(definition.id))
  const deadline = startDeadline(world.clock, withinMs, signal)
  try {
    return await act(`${rootOf(parts)}/file/bot${secret(definition.token)}`, deadline.signal)
  } catch (error) {
    if (deadline.passed()) throw new FailureError(endedFailure('deadline', false))
    throw error
  } finally {
    deadline.end()
  }
}

function createCall(parts: AdapterParts): Call {
  const { definition, secret, world } = parts
  const fetch = createTransport()
  const apiRoot = rootOf(parts)
  return async (limit, act) => {
    if (definition.token === null) throw new FailureError(missingToken(definition.id))
    const token = secret(definition.token)
    const api = new Api(token, { apiRoot, fetch, timeoutSeconds: GRAMMY_SECONDS })
    const deadline = startDeadline(world.clock, limit.withinMs, limit.signal)
    try {
      // The two signal types differ in words only; grammY calls nothing but addEventListener and `aborted`.
      return await act(api, deadline.signal as unknown as GrammySignal)
    } catch (error) {
      throw failed(error, { deadline, token, channel: definition.id })
    } finally {
      deadline.end()
    }
  }
}

function failed(error: unknown, about: { deadline: Deadline; token: string; channel: string }): unknown {
  if (error instanceof GrammyError) {
    const { retry_after: retryAfter, migrate_to_chat_id: migratedTo } = error.parameters
    const description = String(error.description).replaceAll(about.token, '[token]')
    return new RefusalError(
      { code: error.error_code, description, retryAfterSeconds: retryAfter ?? null, migratedTo: migratedTo ?? null },
      about.channel,
    )
  }
  if (!(error instanceof HttpError)) return error
  // Its own text is harmless; what it carries in `error` holds the URL with the token, unless it is from our transport.
  const broken = error.error instanceof TransportError ? error.error : new TransportError('the request failed', true)
  if (about.deadline.passed()) return new FailureError(endedFailure('deadline', broken.sent))
  if (about.deadline.signal.aborted) return new FailureError(endedFailure('caller', broken.sent))
  return new FailureError(brokenFailure(broken.message, broken.sent))
}
