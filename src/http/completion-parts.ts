// Completion parts: what a message of the OpenAI API says, part by part, and the files in it.
//   A file comes with its request or not at all: nothing is fetched at the wish of a client. A gateway that did would open what only its
//   own machine reaches, and a message would count as kept while its file was still somewhere else.

import type { Attachment } from '../../machines/media.ts'
import { attachmentOf, type Said, type Upload } from '../../machines/uploads.ts'
import { Refusal } from './answers.ts'
import { type Fields, isObject } from './body.ts'
import { bad, tooManyFiles, unsupported } from './completion-refusals.ts'
import { dataFile } from './data-url.ts'
import { readLifted } from './lifted.ts'
import { COMPLETION_BYTES_MAX, COMPLETION_FILES_MAX } from './limits.ts'
import type { MessageFiles } from './uploads.ts'

/** A request, and the files that stood in it, by the numbers that stand there instead. */
export interface CompletionBody {
  readonly fields: Fields
  readonly lifted: readonly Lifted[]
}

interface Lifted {
  readonly upload: Upload
  /** As its URL says. */
  readonly mediaType: string | null
}

export async function readBody(request: Request, files: MessageFiles): Promise<CompletionBody> {
  const lifted: Lifted[] = []
  const take = async (text: AsyncIterable<Uint8Array>, place: string): Promise<number> => {
    if (lifted.length === COMPLETION_FILES_MAX) throw tooManyFiles(COMPLETION_FILES_MAX)
    const { mediaType, pieces } = await dataFile(text, place)
    const upload = await files.keep(pieces, `"${place}"`).catch((error: unknown) => {
      throw error instanceof Refusal && error.param === null ? error.about(place) : error
    })
    return lifted.push({ upload, mediaType }) - 1
  }
  return { fields: await readLifted(request, { bytesMax: COMPLETION_BYTES_MAX, isFile, take }), lifted }
}

function isFile(parent: string, key: string, begin: string): boolean {
  if (parent === 'image_url') return key === 'url' && begin.toLowerCase() === 'data:'
  return (parent === 'input_audio' && key === 'data') || (parent === 'file' && key === 'file_data')
}

export interface Content {
  readonly text: string
  readonly attachments: readonly Attachment[]
}

/** Throws Refusals that name `place`. */
export function contentOf(content: unknown, place: string, lifted: readonly Lifted[]): Content {
  if (typeof content === 'string') return { text: content, attachments: [] }
  if (!Array.isArray(content)) throw bad(place, `"${place}.content" must be text, or a list of parts.`)
  const texts: string[] = []
  const attachments: Attachment[] = []
  content.forEach((part: unknown, index) => {
    const { type, text, refusal } = isObject(part) ? part : {}
    if (type === 'text' && typeof text === 'string') texts.push(text)
    else if (type === 'refusal' && typeof refusal === 'string') texts.push(refusal)
    else attachments.push(fileOf(part, `${place}.content[${index}]`, lifted))
  })
  return { text: texts.join('\n'), attachments }
}

function fileOf(part: unknown, place: string, lifted: readonly Lifted[]): Attachment {
  const fields = isObject(part) ? part : {}
  const type = fields['type']
  const given = typeof type === 'string' && isObject(fields[type]) ? fields[type] : {}
  switch (type) {
    case 'image_url':
      return pictureOf(given, `${place}.image_url.url`, lifted)
    case 'input_audio': {
      const said = { name: null, mediaType: audioType(given['format']) }
      return attachmentAt(liftedAt(given['data'], `${place}.input_audio.data`, lifted), said)
    }
    case 'file': {
      if (given['file_data'] === undefined && given['file_id'] !== undefined)
        throw unsupported(`${place}.file.file_id`, 'No file is kept here by an id: send "file_data".')
      const name = typeof given['filename'] === 'string' ? given['filename'] : null
      return attachmentAt(liftedAt(given['file_data'], `${place}.file.file_data`, lifted), { name, mediaType: null })
    }
    default: {
      const why = `A part of the type ${JSON.stringify(type ?? null)} is not taken: text, image_url, input_audio and file are.`
      throw unsupported(place, why)
    }
  }
}

function pictureOf({ url }: Fields, place: string, lifted: readonly Lifted[]): Attachment {
  if (typeof url === 'string') {
    const message = `"${place}" is not fetched: this gateway opens no address at the wish of a client. Send the picture itself, as "data:image/jpeg;base64,…".`
    throw new Refusal(400, 'invalid_image_url', message).about(place)
  }
  const picture = attachmentAt(liftedAt(url, place, lifted), { name: null, mediaType: null })
  if (picture.kind === 'image' && SHOWABLE.test(picture.mediaType ?? '')) return picture
  throw new Refusal(400, 'invalid_image_format', `"${place}" is no JPEG, PNG, GIF or WebP picture.`).about(place)
}

const SHOWABLE = /^image\/(jpeg|png|gif|webp)$/

function liftedAt(number: unknown, place: string, lifted: readonly Lifted[]): Lifted {
  const found = typeof number === 'number' ? lifted[number] : undefined
  if (found === undefined) throw bad(place, `"${place}" must be the file itself, in base64.`)
  return found
}

function attachmentAt({ upload, mediaType }: Lifted, said: Said): Attachment {
  return attachmentOf(upload, { ...said, mediaType: said.mediaType ?? mediaType })
}

/** What a client calls audio is heard, whatever its bytes look like. */
function audioType(format: unknown): string {
  return typeof format === 'string' && /^[a-z0-9]{1,16}$/i.test(format) ? `audio/${format}` : 'audio/wav'
}
