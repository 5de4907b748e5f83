// Uploaded: the files of channels whose platform keeps none: they came with their messages, and are on disk.

import { FailureError } from '../../machines/failure.ts'
import type { Attachment } from '../../machines/media.ts'
import type { Fetching, Uploads } from './adapter.ts'

export async function fetchUpload(uploads: Uploads, { reference }: Attachment, fetching: Fetching): Promise<void> {
  if (reference === null) {
    throw new FailureError({ kind: 'permanent', reason: 'notFound', message: 'no file came with the message' })
  }
  await uploads.read(reference, fetching)
}
