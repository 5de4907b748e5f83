// Methods about the bot itself: who it is, its updates, its webhook, its commands, its files.
// Simplified: `close` and `logOut` only end the held poll (500 and 400, as on Telegram) and, for `logOut`, drop the waiting
// updates; calls afterwards work again at once. Two of Telegram's brakes on polling are left out: the three seconds that a
// repeated poll without timeout is held, and the three seconds by which a repeated 409 is delayed.

import type { Method } from './methods.ts'
import { isObject, type Parameters, requiredString } from './parameters.ts'
import { badRequest, conflict, Refusal } from './refusal.ts'

/** Longer polls are cut to this. */
const POLL_SECONDS_MAX = 50
const COMMANDS_MAX = 100

const getMe: Method = ({ bot }) => ({ result: bot.me() })

const getUpdates: Method = async ({ bot, parameters, gone }) => {
  if (bot.webhook.url !== '') {
    throw conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
  }
  bot.updates.allow(parameters.json('allowed_updates', 'allowed updates'))
  const seconds = parameters.integerWithin('timeout', { fallback: 0, least: 0, most: POLL_SECONDS_MAX })
  const result = await bot.updates.poll({
    offset: parameters.integer('offset'),
    limit: parameters.integerWithin('limit', { fallback: 100, least: 1, most: 100 }),
    timeoutMs: seconds * 1000,
    gone,
  })
  return { result }
}

const setWebhook: Method = ({ bot, parameters }) => {
  bot.webhook.set(parameters)
  return { result: true, description: bot.webhook.url === '' ? 'Webhook was deleted' : 'Webhook was set' }
}

const deleteWebhook: Method = ({ bot, parameters }) => {
  const existed = bot.webhook.url !== ''
  bot.webhook.remove(parameters)
  return { result: true, description: existed ? 'Webhook was deleted' : 'Webhook is already deleted' }
}

const getWebhookInfo: Method = ({ bot }) => ({ result: bot.webhook.info() })

const logOut: Method = ({ bot }) => {
  bot.updates.end(new Refusal(400, 'Logged out'))
  bot.updates.drop()
  return { result: true }
}

const close: Method = ({ bot }) => {
  bot.updates.end(new Refusal(500, 'Internal Server Error: restart'))
  return { result: true }
}

const setMyCommands: Method = ({ bot, parameters }) => {
  const commands = readCommands(parameters)
  bot.commands.set(scopeOf(parameters), commands)
  return { result: true }
}

const getMyCommands: Method = ({ bot, parameters }) => ({ result: bot.commands.get(scopeOf(parameters)) ?? [] })

const deleteMyCommands: Method = ({ bot, parameters }) => {
  bot.commands.delete(scopeOf(parameters))
  return { result: true }
}

/** 20 MB, as Telegram counts them. */
const FILE_BYTES_MAX = 20 * 1024 * 1024

const getFile: Method = ({ bot, parameters }) => {
  const fileId = parameters.text('file_id')
  if (fileId === '') throw badRequest('file_id not specified')
  const file = bot.telegram.files.byId(fileId)
  if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable')
  // A bot is given no larger file, whatever it may send.
  if (file.content.length > FILE_BYTES_MAX) throw badRequest('file is too big')
  const { uniqueId: file_unique_id, path: file_path } = file
  return { result: { file_id: fileId, file_unique_id, file_size: file.content.length, file_path } }
}

const answerCallbackQuery: Method = ({ bot, parameters }) => {
  if (parameters.text('text').length > 200) throw badRequest('MESSAGE_TOO_LONG')
  if (!bot.openQueries.delete(parameters.text('callback_query_id'))) {
    throw badRequest('query is too old and response timeout expired or query ID is invalid')
  }
  return { result: true }
}

function readCommands(parameters: Parameters): { command: string; description: string }[] {
  const value = parameters.json('commands', 'commands')
  if (value === undefined) return []
  if (!Array.isArray(value)) throw badRequest('Expected an Array of BotCommand')
  if (value.length > COMMANDS_MAX) throw badRequest('BOT_COMMANDS_TOO_MUCH')
  return value.map((item: unknown) => {
    if (!isObject(item)) throw badRequest("Can't parse BotCommand: expected an Object")
    const command = requiredString(item, 'command').trim().replace(/^\//, '')
    const description = requiredString(item, 'description').trim()
    if (command === '') throw badRequest('Command must be non-empty')
    if (command.length > 32) throw badRequest('Command length must not exceed 32')
    if (description === '') throw badRequest('Command description must be non-empty')
    if (description.length > 256) throw badRequest('Command description length must not exceed 256')
    if (!/^[a-z0-9_]+$/.test(command)) throw badRequest('BOT_COMMAND_INVALID')
    return { command, description }
  })
}

function scopeOf(parameters: Parameters): string {
  const scope = parameters.json('scope', 'BotCommandScope')
  if (scope !== undefined && !isObject(scope)) {
    throw badRequest("Can't parse BotCommandScope: BotCommandScope must be an Object")
  }
  const type = scope === undefined ? 'default' : requiredString(scope, 'type')
  if (!SCOPES.includes(type)) throw badRequest("Can't parse BotCommandScope: Unsupported type specified")
  return JSON.stringify([type, scope?.['chat_id'], scope?.['user_id'], parameters.text('language_code')])
}

const SCOPES = [
  ...['default', 'all_private_chats', 'all_group_chats', 'all_chat_administrators'],
  ...['chat', 'chat_administrators', 'chat_member'],
]

export const botMethods = {
  getMe,
  getUpdates,
  setWebhook,
  deleteWebhook,
  getWebhookInfo,
  logOut,
  close,
  setMyCommands,
  getMyCommands,
  deleteMyCommands,
  getFile,
  answerCallbackQuery,
} satisfies Record<string, Method>
