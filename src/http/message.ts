// Message: what somebody writes to a web channel: a JSON object, or a form with files.
//   With files in it a text need not be there.

import { FILES_MAX, UPLOAD_BYTES_MAX } from '../../machines/limits.ts'
import type { Attachment } from '../../machines/media.ts'
import { attachmentOf } from '../../machines/uploads.ts'
import { Refusal } from './answers.ts'
import { checkEncoding, checkKeys, type Fields, identifier, personName, readFields, spokenText } from './body.ts'
import { type FormPart, formParts } from './form.ts'
import { typeOf } from './form-headers.ts'
import { BODY_BYTES_MAX } from './limits.ts'
import type { WebMessage } from './web-port.ts'
import type { MessageFiles } from './uploads.ts'

const KEYS = ['conversation', 'user', 'text', 'message_id']

/** The field of a form that is a file; there may be several. */
const FILE = 'file'

export async function readMessage(request: Request, files: MessageFiles): Promise<WebMessage> {
  const { fields, attachments } = await readBody(request, files)
  const isSilent = attachments.length > 0 && isBlank(fields['text'])
  return {
    conversation: identifier(fields, 'conversation'),
    user: personName(fields, 'user'),
    text: isSilent ? '' : spokenText(fields, 'text'),
    attachments,
    messageId: 'message_id' in fields ? identifier(fields, 'message_id') : null,
  }
}

function isBlank(text: unknown): boolean {
  return text === undefined || (typeof text === 'string' && text.trim() === '')
}

interface Body {
  readonly fields: Fields
  readonly attachments: readonly Attachment[]
}

async function readBody(request: Request, files: MessageFiles): Promise<Body> {
  switch (typeOf(request.headers.get('content-type'))) {
    case 'application/json':
      return { fields: await readFields(request, KEYS), attachments: [] }
    case 'multipart/form-data':
      return readForm(request, files)
    default:
      throw new Refusal(
        415,
        'bad_content_type',
        'A message must be sent with "Content-Type: application/json", or as a form (multipart/form-data) with files.',
      )
  }
}

/** A page of another site can send a form without asking first: it is refused by its origin (guards.ts). */
async function readForm(request: Request, files: MessageFiles): Promise<Body> {
  checkEncoding(request.headers)
  const fields: Record<string, string> = {}
  const attachments: Attachment[] = []
  for await (const part of formParts(request, FORM_BYTES_MAX)) {
    const { name, fileName } = part
    checkKeys([name], [...KEYS, FILE])
    if (name === FILE) attachments.push(...(await readFile(part, files)))
    else if (fileName !== null)
      throw new Refusal(400, 'bad_type', `"${name}" must be text; a file is sent as "${FILE}".`)
    else if (name in fields) throw new Refusal(400, 'bad_value', `"${name}" is there twice.`)
    else fields[name] = await textOf(part)
  }
  return { fields, attachments }
}

/** With room for the fields, and for what is around each part. */
const FORM_BYTES_MAX = UPLOAD_BYTES_MAX + 2 * BODY_BYTES_MAX + FILES_MAX * 1_024

async function readFile({ fileName, mediaType, pieces }: FormPart, files: MessageFiles): Promise<Attachment[]> {
  if (fileName === null) throw new Refusal(400, 'bad_type', `"${FILE}" must be a file, with a file name.`)
  const begun = await begin(pieces)
  // A browser sends a field for files that nobody was chosen for as an empty one without a name.
  if (begun === null && fileName === '') return []
  if (files.count === FILES_MAX) throw new Refusal(413, 'too_many_files', `A message has at most ${FILES_MAX} files.`)
  const about = fileName === '' ? 'The file' : `The file ${JSON.stringify(fileName.slice(-64).toWellFormed())}`
  const upload = await files.keep(begun ?? NOTHING(), about)
  return [attachmentOf(upload, { name: fileName, mediaType })]
}

/** null: there is not a byte in it. */
async function begin(pieces: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array> | null> {
  const reading = pieces[Symbol.asyncIterator]()
  const first = await reading.next()
  if (first.done === true) return null
  return (async function* () {
    yield first.value
    yield* { [Symbol.asyncIterator]: () => reading }
  })()
}

async function* NOTHING(): AsyncGenerator<Uint8Array> {}

async function textOf({ name, pieces }: FormPart): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.byteLength
    if (bytes > BODY_BYTES_MAX) throw new Refusal(413, 'too_long', `"${name}" is larger than ${BODY_BYTES_MAX} bytes.`)
    chunks.push(piece)
  }
  try {
    // A form has its line ends as CRLF, whatever somebody wrote.
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replaceAll('\r\n', '\n')
  } catch {
    throw new Refusal(400, 'bad_value', `"${name}" is not valid UTF-8.`)
  }
}
