// Telegram attachments: what came with a message besides its text, as Telegram names it. Pure.
//   What has no file (a location), or none that can be asked for, is an attachment all the same: it was there.

import type { Attachment, AttachmentKind } from '../../machines/media.ts'

type Fields = Readonly<Record<string, unknown>>

/** In this order: an animation is listed as a document too. */
const FILES: readonly (readonly [key: string, kind: AttachmentKind])[] = [
  ['photo', 'image'],
  ['voice', 'voice'],
  ['audio', 'audio'],
  ['video', 'video'],
  ['video_note', 'video'],
  ['animation', 'video'],
  ['document', 'document'],
]

/** Told in a word, because there is nothing in them that a model could read. */
const OTHERS = ['sticker', 'location', 'venue', 'contact', 'poll', 'dice', 'paid_media', 'story']

/** A message has one attachment at most; an album is many messages. */
export function attachmentsIn(message: Fields): readonly Attachment[] {
  const file = FILES.find(([key]) => message[key] !== undefined)
  if (file !== undefined) return [fileIn(message[file[0]], file)]
  const other = OTHERS.find((key) => message[key] !== undefined)
  return other === undefined ? [] : [{ ...NO_FILE, kind: 'other', name: otherName(other, message[other]) }]
}

const NO_FILE = { reference: null, name: null, mediaType: null, bytes: null, seconds: null }

function fileIn(value: unknown, [key, kind]: (typeof FILES)[number]): Attachment {
  // Photos come in several sizes; the last is the largest.
  const fields = isFields(value) ? value : Array.isArray(value) && isFields(value.at(-1)) ? value.at(-1) : {}
  const reference = textIn(fields.file_id)
  if (reference === null) return { ...NO_FILE, kind: 'other', name: key.replace('_', ' ') }
  const mediaType = key === 'photo' ? 'image/jpeg' : textIn(fields.mime_type)
  const name = textIn(fields.file_name)
  // A picture that was sent as a file is a picture.
  const shown = kind === 'document' && mediaType?.startsWith('image/') === true ? 'image' : kind
  return {
    kind: shown,
    reference,
    name,
    mediaType,
    bytes: countIn(fields.file_size),
    seconds: countIn(fields.duration),
  }
}

function otherName(key: string, value: unknown): string {
  const emoji = key === 'sticker' && isFields(value) ? textIn(value.emoji) : null
  return [key.replace('_', ' '), emoji].filter((part) => part !== null).join(' ')
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_UNITS_MAX).toWellFormed() : null
}

/** Telegram's own ids and names are shorter. */
const TEXT_UNITS_MAX = 512

function countIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : null
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
