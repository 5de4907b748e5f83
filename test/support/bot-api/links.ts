// Links: which address in a message's markup becomes a link. Telegram drops a bad one in silence and keeps the text.

import type { MessageEntity } from './wire.ts'

/** A `text_link` or, for `tg://user?id=…`, a `text_mention`; undefined when Telegram would ignore the address. */
export function linkEntity(address: string, span: { offset: number; length: number }): MessageEntity | undefined {
  const user = /^tg:(?:\/\/)?user\?id=([1-9]\d{0,15})$/i.exec(address.trim())
  if (user !== null) {
    return { type: 'text_mention', ...span, user: { id: Number(user[1]), is_bot: false, first_name: '' } }
  }
  const url = checkedAddress(address.trim())
  return url === undefined ? undefined : { type: 'text_link', ...span, url }
}

/** The address in the form in which Telegram hands it out again. */
function checkedAddress(address: string): string | undefined {
  const complete = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `http://${address}`
  if (!URL.canParse(complete)) return undefined
  const url = new URL(complete)
  if (['tg:', 'ton:', 'tonsite:'].includes(url.protocol)) return address
  if (!['http:', 'https:'].includes(url.protocol)) return undefined
  return url.hostname.includes('.') && !/\s/.test(address) ? url.href : undefined
}
