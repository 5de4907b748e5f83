// Media: the message content of photos, documents and voice messages, and the files behind it.

import { type FormattedText, withFoundEntities } from './entities.ts'
import type { StoredFile } from './files.ts'
import type { MediaOptions } from './control.ts'
import type { Telegram } from './telegram.ts'
import type { FileObject, Message, PhotoSize } from './wire.ts'

export function photoContent(telegram: Telegram, options: MediaOptions): Partial<Message> {
  const file = store(telegram, { folder: 'photos', fileName: 'photo.jpg', mimeType: 'image/jpeg' }, options)
  return { photo: photoSizes(telegram, file), ...captioned(options.caption) }
}

export function documentContent(telegram: Telegram, options: MediaOptions): Partial<Message> {
  const file = store(telegram, { folder: 'documents', fileName: 'document.txt', mimeType: 'text/plain' }, options)
  return { document: fileObject(file), ...captioned(options.caption) }
}

export function voiceContent(telegram: Telegram, options: MediaOptions): Partial<Message> {
  const file = store(telegram, { folder: 'voice', fileName: 'voice.oga', mimeType: 'audio/ogg' }, options)
  const { file_name: _, ...voice } = fileObject(file)
  return { voice: { ...voice, duration: options.seconds ?? 2 }, ...captioned(options.caption) }
}

/** Telegram keeps a photo in several sizes, smallest first; the last one is the photo as it was sent. */
export function photoSizes(telegram: Telegram, file: StoredFile): PhotoSize[] {
  const thumbnail = telegram.files.add('photos', file)
  const size = file.content.length
  return [
    { file_id: thumbnail.fileId, file_unique_id: thumbnail.uniqueId, width: 90, height: 67, file_size: size },
    { file_id: file.fileId, file_unique_id: file.uniqueId, width: 1280, height: 960, file_size: size },
  ]
}

export function fileObject(file: StoredFile): FileObject {
  return {
    file_name: file.fileName,
    mime_type: file.mimeType,
    file_id: file.fileId,
    file_unique_id: file.uniqueId,
    file_size: file.content.length,
  }
}

export function captionFields(caption: FormattedText): Partial<Message> {
  if (caption.text === '') return {}
  return { caption: caption.text, ...(caption.entities.length === 0 ? {} : { caption_entities: caption.entities }) }
}

function captioned(caption: string | undefined): Partial<Message> {
  return captionFields(withFoundEntities({ text: caption ?? '', entities: [] }))
}

/** Telegram makes a JPEG of every photo; voice messages are Opus in Ogg. */
const BEGINNINGS: Readonly<Record<string, string>> = { photos: 'ffd8ffe000104a464946', voice: '4f67675300020000' }

function store(
  telegram: Telegram,
  kind: { folder: string; fileName: string; mimeType: string },
  options: MediaOptions,
): StoredFile {
  const beginning = Buffer.from(BEGINNINGS[kind.folder] ?? '', 'hex')
  const content =
    options.content ?? Buffer.concat([beginning, Buffer.from(`${kind.folder} ${telegram.random.token(12)}`)])
  return telegram.files.add(kind.folder, {
    fileName: options.fileName ?? kind.fileName,
    mimeType: options.mimeType ?? kind.mimeType,
    content: typeof content === 'string' ? Buffer.from(content, 'utf8') : content,
  })
}
