// Uploads: files that come with a message itself, because its platform keeps none: what each of them is as an attachment. Pure.
//   A file's first bytes count for more than what its sender says of it.

import { type Attachment, type AttachmentKind, typeOfBytes } from './media.ts'

/** A file that is on disk and waits for its message's turn. */
export interface Upload {
  /** By what it is found there. */
  readonly reference: string
  readonly bytes: number
  /** Its first bytes. */
  readonly head: Uint8Array
}

/** What its sender says of a file. */
export interface Said {
  readonly name: string | null
  readonly mediaType: string | null
}

export function attachmentOf({ reference, bytes, head }: Upload, { name, mediaType }: Said): Attachment {
  const said = mediaType !== null && MEDIA_TYPE.test(mediaType) ? mediaType.toLowerCase() : null
  const found = typeOfBytes(head)
  const kind = kindOf(said, found)
  return {
    kind,
    reference,
    name: name === null || name === '' ? null : name.slice(-NAME_UNITS_KEPT).toWellFormed(),
    // Speech in a container of videos is what its sender says.
    mediaType: kind === 'audio' && found?.startsWith('video/') === true ? said : (found ?? said),
    bytes,
    seconds: null,
  }
}

const MEDIA_TYPE = /^[a-z]{1,20}\/[a-z0-9.+-]{1,60}$/i

/** Names are shown and written shorter; the end has the extension. */
const NAME_UNITS_KEPT = 256

function kindOf(said: string | null, found: string | null): AttachmentKind {
  const type = found ?? said ?? ''
  if (type.startsWith('audio/')) return 'audio'
  if (type.startsWith('video/')) return said?.startsWith('audio/') === true ? 'audio' : 'video'
  return found?.startsWith('image/') === true ? 'image' : 'document'
}

/** Which of these files are not needed: all but those of messages that may still be prepared. */
export function unneeded(references: Iterable<string>, attachments: readonly Attachment[]): string[] {
  const needed = new Set(attachments.map(({ reference }) => reference))
  return [...references].filter((reference) => !needed.has(reference))
}
