// Received text: what is to be read in a file that somebody sent: text as it is, pages without their tags. Pure.
//   What is not text in UTF-8, or UTF-16 that says so, is none: nothing is unpacked, so nothing can grow.

import { htmlText } from './html-text.ts'

/** null: it is no text. `isWhole`: the bytes are all of the file; else its last character may be cut in two. */
export function receivedText(
  name: string,
  bytes: Uint8Array,
  isWhole: boolean,
): { readonly text: string; readonly isWhole: boolean } | null {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: !isWhole })
    // Text has tabs and line breaks; other control characters are those of programs.
    if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) return null
    return { text: isPage(name, text) ? htmlText(text) : text.replaceAll('\r\n', '\n').trim(), isWhole }
  } catch {
    return null
  }
}

function isPage(name: string, text: string): boolean {
  return /\.x?html?$/i.test(name) || /^\s*<(!doctype html|html)[\s>]/i.test(text.slice(0, BEGINNING_UNITS))
}

const BEGINNING_UNITS = 256
