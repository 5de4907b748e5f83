// Source: the bytes of a file, read with a bound and judged as text. Never writes.

import { open } from 'node:fs/promises'

/** Hundreds of bots fit into a hundredth of it; whatever is larger is another file. */
export const FILE_BYTES_MAX = 10 * 1024 * 1024

/** A `.env` holds a line per variable. */
export const ENV_BYTES_MAX = 1024 * 1024

export type Source =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string }

/** Reads a file up to the bound, also one that has no end. */
export async function readSource(path: string, bytesMax: number): Promise<Source> {
  try {
    await using file = await open(path, 'r')
    if ((await file.stat()).isDirectory()) return refusal('EISDIR')
    const pieces: Uint8Array[] = []
    for (let total = 0; total <= bytesMax; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024))
      if (bytesRead === 0) return { ok: true, bytes: Buffer.concat(pieces) }
      pieces.push(buffer.subarray(0, bytesRead))
      total += bytesRead
    }
    return { ok: false, code: 'EFBIG', message: tooLarge(bytesMax) }
  } catch (thrown) {
    return refusal(thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '')
  }
}

/** The text of a file's bytes, without a byte order mark, or what they are instead. */
export function decode(input: string | Uint8Array): { text: string } | { mistake: string } {
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength
  if (size > FILE_BYTES_MAX) return { mistake: tooLarge(FILE_BYTES_MAX) }
  if (typeof input === 'string') return asText(input.replace(/^\uFEFF/, ''))
  const [first, second] = input
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { mistake: 'the file is in UTF-16: save it as UTF-8' }
  }
  try {
    return asText(new TextDecoder('utf-8', { fatal: true }).decode(input))
  } catch {
    return { mistake: BINARY }
  }
}

const BINARY = 'the file is not text in UTF-8: expected a YAML file'

function asText(text: string): { text: string } | { mistake: string } {
  return /[^\P{Cc}\t\n\r\u0080-\u009f]/u.test(text) ? { mistake: BINARY } : { text }
}

function tooLarge(bytesMax: number): string {
  return `the file is larger than ${bytesMax / 1024 / 1024} MB: expected a YAML file`
}

function refusal(code: string): Source {
  const reasons = new Map([
    ['ENOENT', 'the file does not exist: give another with --config, or write one with troupe init'],
    ['ENOTDIR', 'the file does not exist: a part of its path is not a folder'],
    ['EISDIR', 'this is a folder: expected a YAML file'],
    ['EACCES', 'the file may not be read: check its permissions'],
    ['EPERM', 'the file may not be read: check its permissions'],
  ])
  return { ok: false, code, message: reasons.get(code) ?? `the file cannot be read${code === '' ? '' : ` (${code})`}` }
}
