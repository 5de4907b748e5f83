// Keyboard: checks a request's `reply_markup` and gives back the inline keyboard, the only markup that stays on a message.

import { isObject, type Parameters, requiredString } from './parameters.ts'
import { badRequest } from './refusal.ts'
import type { InlineKeyboardButton, InlineKeyboardMarkup } from './wire.ts'

/** Bytes of a button's callback data. */
const CALLBACK_BYTES_MAX = 64
const BUTTONS_MAX = 100

export function readInlineKeyboard(parameters: Parameters): InlineKeyboardMarkup | undefined {
  const markup = parameters.json('reply_markup', 'reply keyboard markup')
  if (markup === undefined) return undefined
  if (!isObject(markup)) throw badRequest('Object expected as reply markup')
  const keyboard = markup['keyboard']
  if (keyboard !== undefined && !(Array.isArray(keyboard) && keyboard.every(Array.isArray))) {
    throw badRequest('Field "keyboard" must be an Array of Arrays')
  }
  const rows = markup['inline_keyboard']
  if (rows === undefined) return undefined
  if (!Array.isArray(rows)) throw badRequest('Field "inline_keyboard" must be of type Array')
  const checked = rows.map((row: unknown) => {
    if (Array.isArray(row)) return row.map(readButton)
    throw badRequest('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
  })
  if (checked.flat().length > BUTTONS_MAX) throw badRequest('reply markup is too long')
  const filled = checked.filter((row) => row.length > 0)
  return filled.length === 0 ? undefined : { inline_keyboard: filled }
}

function readButton(button: unknown): InlineKeyboardButton {
  if (!isObject(button)) {
    throw badRequest("Can't parse inline keyboard button: InlineKeyboardButton must be an Object")
  }
  if (button['text'] === undefined) throw badRequest('Can\'t parse inline keyboard button: Can\'t find field "text"')
  const text = requiredString(button, 'text')
  if (text === '') throw badRequest('BUTTON_TEXT_INVALID')
  const data = button['callback_data']
  if (data === undefined || data === '') {
    if (ACTIONS.some((action) => Object.hasOwn(button, action))) return { ...button, text }
    throw badRequest("Can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
  }
  if (typeof data !== 'string') {
    throw badRequest('Can\'t parse inline keyboard button: Field "callback_data" must be of type String')
  }
  if (Buffer.byteLength(data, 'utf8') > CALLBACK_BYTES_MAX) throw badRequest('BUTTON_DATA_INVALID')
  return { text, callback_data: data }
}

const ACTIONS = [
  ...['url', 'callback_game', 'pay', 'switch_inline_query', 'switch_inline_query_chosen_chat'],
  ...['switch_inline_query_current_chat', 'login_url', 'web_app', 'copy_text'],
]
