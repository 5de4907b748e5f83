// Files: what people and bots have sent, by file id and by download path.
// Simplified: every bot of the server may use every file id; files never expire. What people send has no bound.

import type { Random } from './random.ts'

export interface StoredFile {
  readonly fileId: string
  readonly uniqueId: string
  /** As `getFile` gives it; the download address ends in it. */
  readonly path: string
  readonly fileName: string
  readonly mimeType: string
  readonly content: Uint8Array
}

export class FileStore {
  readonly #random: Random
  readonly #byId = new Map<string, StoredFile>()
  readonly #byPath = new Map<string, StoredFile>()

  constructor(random: Random) {
    this.#random = random
  }

  add(folder: string, file: { fileName: string; mimeType: string; content: Uint8Array }): StoredFile {
    const extension = /\.[A-Za-z0-9]{1,8}$/.exec(file.fileName)?.[0] ?? ''
    const path = `${folder}/file_${this.#byId.size}${extension}`
    const stored: StoredFile = { ...file, path, fileId: this.#random.token(60), uniqueId: this.#random.token(16) }
    this.#byId.set(stored.fileId, stored)
    this.#byPath.set(stored.path, stored)
    return stored
  }

  byId(fileId: string): StoredFile | undefined {
    return this.#byId.get(fileId)
  }

  byPath(path: string): StoredFile | undefined {
    return this.#byPath.get(path)
  }
}
