// Uploads: what a file that came with a message is as an attachment, and which files nobody needs.

import { expect, test } from 'vitest'
import { UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import { attachmentOf, unneeded } from '../../machines/uploads.ts'
import { jpeg, oggVoice, pdf, zip } from '../support/received.ts'

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
const webm = bytes('1a45dfa3')
const text = Buffer.from('a,b')

const is = (head: Uint8Array, said: string | null = null, name: string | null = null) => {
  const upload = { reference: 'r', bytes: 7, head }
  const { kind, mediaType, ...rest } = attachmentOf(upload, { name, mediaType: said })
  return { kind, mediaType, rest }
}

test.each<[head: Uint8Array, said: string | null, kind: string, mediaType: string | null]>([
  [jpeg(), null, 'image', 'image/jpeg'],
  [jpeg(), 'text/plain', 'image', 'image/jpeg'],
  [oggVoice(), 'application/octet-stream', 'audio', 'audio/ogg'],
  [oggVoice(), 'audio/opus', 'audio', 'audio/ogg'],
  [webm, 'audio/webm', 'audio', 'audio/webm'],
  [webm, 'video/webm', 'video', 'video/webm'],
  [webm, null, 'video', 'video/webm'],
  [pdf(), 'image/png', 'document', 'application/pdf'],
  [zip(), null, 'document', 'application/zip'],
  [text, 'text/csv', 'document', 'text/csv'],
  [text, 'IMAGE/SVG+XML', 'document', 'image/svg+xml'],
  [text, 'audio/amr', 'audio', 'audio/amr'],
  [text, 'video/x-msvideo', 'video', 'video/x-msvideo'],
  [text, 'text/html; charset=<script>', 'document', null],
  [text, null, 'document', null],
])('%# what begins so, and is said to be %s, is %s', (head, said, kind, mediaType) => {
  expect(is(head, said)).toMatchObject({ kind, mediaType })
})

test('a name is kept with its end, and a name that is none is none', () => {
  const { rest } = is(text, null, 'a.txt')
  expect(rest).toEqual({ reference: 'r', name: 'a.txt', bytes: 7, seconds: null })
  expect(is(text, null, '').rest.name).toBeNull()
  expect(is(text, null, `${'x'.repeat(999)}\ud83d.pdf`).rest.name).toBe(`${'x'.repeat(251)}\ufffd.pdf`)
})

test('files are needed that a message has, by whatever name', () => {
  const attachments = ['a', null, 'c'].map((reference) => ({ ...UNKNOWN_ATTACHMENT, reference }))
  expect(unneeded(['a', 'b', 'c', 'd'], attachments)).toEqual(['b', 'd'])
})
