// Uploads for tests: files that came with messages, in memory; which of them were let go of can be seen.

import { FailureError } from '../../machines/failure.ts'
import { HEAD_BYTES } from '../../machines/media.ts'
import type { Uploads } from '../../src/channels/adapter.ts'
import type { UploadsPort } from '../../src/http/uploads.ts'

export interface TestUploads extends Uploads, UploadsPort {
  /** By reference. */
  readonly files: Map<string, Uint8Array>
  /** Whose message was handed over. */
  readonly released: string[]
}

export function testUploads(): TestUploads {
  const files = new Map<string, Uint8Array>()
  const released: string[] = []
  let count = 0
  return {
    files,
    released,
    async keep(pieces) {
      const taken: Uint8Array[] = []
      for await (const piece of pieces) taken.push(Uint8Array.from(piece))
      const bytes = Buffer.concat(taken)
      const reference = `upload-${(count += 1)}`
      files.set(reference, bytes)
      return { reference, bytes: bytes.length, head: bytes.subarray(0, HEAD_BYTES) }
    },
    release: (references) => void released.push(...references),
    drop: async (references) => references.forEach((reference) => files.delete(reference)),
    async read(reference, { take }) {
      const file = files.get(reference)
      if (file === undefined)
        throw new FailureError({ kind: 'permanent', reason: 'notFound', message: 'its file is not there any more' })
      await take(file)
    },
  }
}
