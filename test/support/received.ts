// Received files for tests: the folders of all sessions in memory; a process that is killed leaves them as a disk would.

import { HEAD_BYTES } from '../../machines/media.ts'
import type { OpenReceived } from '../../src/tools/tool.ts'
import { receivedText } from '../../src/tools/received-text.ts'

export interface TestFolders {
  readonly open: OpenReceived
  /** By session and name. */
  readonly files: Map<string, Uint8Array>
}

export function testFolders(): TestFolders {
  const files = new Map<string, Uint8Array>()
  return {
    files,
    open: async ({ session }) => {
      const at = (name: string) => `${session} ${name}`
      return {
        look: async (name) => {
          const file = files.get(at(name))
          return file === undefined ? null : { bytes: file.length, head: file.subarray(0, HEAD_BYTES) }
        },
        keep: async (name, fill) => {
          const pieces: Uint8Array[] = []
          await fill(async (piece) => void pieces.push(piece))
          files.set(at(name), Buffer.concat(pieces))
        },
        bytes: async (name, bytesMax) => {
          const file = files.get(at(name))
          return file === undefined || file.length > bytesMax ? null : file
        },
        text: async (name, bytesMax) => {
          const file = files.get(at(name))
          return file === undefined ? null : receivedText(name, file.subarray(0, bytesMax), file.length <= bytesMax)
        },
      }
    },
  }
}

const head = (hex: string, rest: string): Uint8Array => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from(rest)])

/** Files by their first bytes; the rest is nothing that anybody could play or draw. */
export const jpeg = (rest = 'a picture'): Uint8Array => head('ffd8ffe000104a464946', rest)
export const oggVoice = (rest = 'a voice'): Uint8Array => head('4f67675300020000', rest)
export const pdf = (rest = 'a page'): Uint8Array => head('255044462d312e37', rest)
export const zip = (rest = 'packed'): Uint8Array => head('504b03041400', rest)
