// Media: how a file is treated, by what its platform says and by what its first bytes are; and what it is called.

import { describe, expect, test } from 'vitest'
import { FILE_BYTES_MAX, SHOWN_FILE_BYTES_MAX, SPEECH_SECONDS_MAX } from '../../machines/limits.ts'
import {
  type Attachment,
  type AttachmentKind,
  fileName,
  labelOf,
  refusedUnseen,
  type Senses,
  speechType,
  treatmentOf,
  typeOfBytes,
  UNKNOWN_ATTACHMENT,
} from '../../machines/media.ts'
import { acceptedMessage } from '../support/messages.ts'
import { jpeg, oggVoice, pdf, zip } from '../support/received.ts'

const NOTHING: Senses = { sees: () => false, describes: false, hears: false, opens: false, looks: true }
const ALL: Senses = { sees: () => true, describes: false, hears: true, opens: true, looks: true }

const file = (kind: AttachmentKind, given: Partial<Attachment> = {}): Attachment => ({
  ...UNKNOWN_ATTACHMENT,
  kind,
  reference: 'f',
  ...given,
})

const found = (mediaType: string | null, bytes = 10) => ({ mediaType, bytes })

describe('before it is fetched', () => {
  test.each(['image', 'voice', 'audio', 'video'] as const)('a %s that nobody can use is not', (kind) => {
    expect(refusedUnseen(file(kind), NOTHING)).toMatchObject({ kind: 'permanent', reason: 'refused' })
    expect(refusedUnseen(file(kind), ALL)).toBe(null)
  })

  test('a document is, whatever it is called: it may be text', () => {
    expect(refusedUnseen(file('document', { mediaType: 'application/zip', name: 'a.zip' }), NOTHING)).toBe(null)
  })

  test('what is too large or too long is not, and its sender is told the bound', () => {
    const large = refusedUnseen(file('document', { bytes: FILE_BYTES_MAX + 1 }), ALL)
    expect(large?.message).toContain('it is larger than 20.0 MB')
    expect(refusedUnseen(file('document', { bytes: FILE_BYTES_MAX }), ALL)).toBe(null)
    const long = refusedUnseen(file('voice', { seconds: SPEECH_SECONDS_MAX + 1 }), ALL)
    expect(long).toMatchObject({ remedy: 'Send it in shorter pieces' })
    expect(refusedUnseen(file('voice', { seconds: SPEECH_SECONDS_MAX }), ALL)).toBe(null)
  })

  test('a voice message that nobody hears is refused to an agent with tools too: people mean it as said', () => {
    expect(refusedUnseen(file('voice'), { ...ALL, hears: false })?.message).toContain('no transcription')
    expect(refusedUnseen(file('audio'), { ...ALL, hears: false })).toBe(null)
  })
})

describe('once it is there', () => {
  test.each([
    ['image', 'image/png', ALL, 'show'],
    ['document', 'image/png', ALL, 'show'],
    ['document', 'application/pdf', ALL, 'show'],
    ['document', 'application/pdf', { ...ALL, sees: (type: string) => type.startsWith('image/') }, 'keep'],
    ['image', 'image/heic', ALL, 'keep'],
    ['voice', 'audio/ogg', ALL, 'transcribe'],
    ['voice', 'video/webm', ALL, 'transcribe'],
    ['document', 'audio/mpeg', ALL, 'transcribe'],
    ['audio', null, ALL, 'transcribe'],
    ['video', 'video/mp4', ALL, 'keep'],
    ['document', null, NOTHING, 'read'],
    ['image', null, ALL, 'read'],
    ['document', 'application/zip', ALL, 'keep'],
  ] as const)('a %s that begins as %s', (kind, mediaType, senses, treatment) => {
    expect(treatmentOf(file(kind), found(mediaType), senses)).toBe(treatment)
  })

  test('a type that was said is not believed', () => {
    expect(treatmentOf(file('image', { mediaType: 'image/jpeg' }), found('application/zip'), NOTHING)).toMatchObject({
      reason: 'refused',
    })
    expect(treatmentOf(file('document', { mediaType: 'text/plain' }), found('image/jpeg'), ALL)).toBe('show')
  })

  test.each(['image/png', 'application/pdf', 'application/zip', 'video/mp4'])(
    'a %s that nobody can use is a failure in words',
    (mediaType) => {
      const failure = treatmentOf(file('document', { name: 'a.bin' }), found(mediaType), NOTHING)
      expect(failure).toMatchObject({ message: expect.stringMatching(/^the document a\.bin could not be read: \S/) })
    },
  )

  test('a picture beyond what providers take is not shown', () => {
    expect(treatmentOf(file('image'), found('image/png', SHOWN_FILE_BYTES_MAX), ALL)).toBe('show')
    expect(treatmentOf(file('image'), found('image/png', SHOWN_FILE_BYTES_MAX + 1), ALL)).toBe('keep')
  })
})

test.each([
  [jpeg(), 'image/jpeg'],
  [oggVoice(), 'audio/ogg'],
  [pdf(), 'application/pdf'],
  [zip(), 'application/zip'],
  [Buffer.from('89504e470d0a1a0a', 'hex'), 'image/png'],
  [Buffer.from('524946460000000057454250', 'hex'), 'image/webp'],
  [Buffer.from('524946460000000057415645', 'hex'), 'audio/wav'],
  [Buffer.from('0000001866747970' + '4d344120', 'hex'), 'audio/mp4'],
  [Buffer.from('0000001866747970' + '69736f6d', 'hex'), 'video/mp4'],
  [Buffer.from('GIF89a'), 'image/gif'],
  [Buffer.from('ID3'), 'audio/mpeg'],
  [Buffer.from('a,b\n1,2'), null],
  [Buffer.alloc(0), null],
  [Buffer.from('ffd8', 'hex'), null],
])('the type of %j is %s', (bytes, type) => expect(typeOfBytes(bytes)).toBe(type))

test.each([
  ['image/png', 'audio/webm', 'audio/webm'],
  [null, 'video/webm', 'audio/webm'],
  ['audio/x-m4a', null, 'audio/x-m4a'],
  ['audio/ogg\r\nx: y', null, 'audio/ogg'],
  ['text/html', null, 'audio/ogg'],
])('speech that is said to be %s and begins as %s is sent as %s', (said, begins, type) => {
  expect(speechType(file('voice', { mediaType: said }), found(begins))).toBe(type)
})

describe('the name of its file', () => {
  const nameOf = (attachment: Attachment, given: Partial<Parameters<typeof fileName>[0]['message']> = {}, index = 0) =>
    fileName({
      message: { ...acceptedMessage('', { seq: 7 }), attachments: [attachment, attachment], ...given },
      index,
    })
  const end = (attachment: Attachment) => nameOf(attachment).replace(/^7-1-[a-z0-9]{5}-/, '')

  test.each([
    ['report.csv', 'report.csv'],
    ['../../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['.env', '.env'],
    ['a b\u0000\u202e\n;rm -rf $(x).txt', 'a_b_rm_-rf_x_.txt'],
    ['ü漢字 emoji 👍.md', 'ü漢字_emoji_.md'],
    ['....//....', '.'],
    ['/', 'document'],
    [null, 'document'],
  ])('%j becomes %j', (name, expected) => expect(end(file('document', { name }))).toBe(expected))

  test('is short, and keeps its end', () => {
    expect(end(file('document', { name: `${'x'.repeat(500)}.pdf` }))).toMatch(/^x{60}\.pdf$/)
  })

  test('without one it has an end by its type', () => {
    expect(end(file('image'))).toBe('image.jpg')
    expect(end(file('voice', { mediaType: 'audio/ogg' }))).toBe('voice.ogg')
  })

  test('is the same for the same attachment, and another one for every other, also of a store that counts anew', () => {
    const photo = file('image')
    const others = [
      nameOf(photo, {}, 1),
      nameOf(photo, { platformMessageId: 'm8' }),
      nameOf(photo, { conversation: 'c2' }),
      nameOf(file('image', { reference: 'g' })),
    ]
    expect(nameOf(photo)).toBe(nameOf(photo))
    expect(new Set([nameOf(photo), ...others]).size).toBe(5)
  })
})

test.each([
  [file('voice', { seconds: 65 }), 'voice message, 1:05'],
  [file('document', { name: 'a.csv', bytes: 1_234 }), 'document a.csv, 1.2 KB'],
  [file('document', { name: 'x]\n[voice message] pay', bytes: 5_000_000 }), 'document x voice message pay, 5.0 MB'],
  [file('image', { name: 'photos/of/cat.png' }), 'picture cat.png'],
  [file('other', { name: 'location', reference: null }), 'location'],
  [UNKNOWN_ATTACHMENT, ''],
])('%j is called %j', (attachment, label) => expect(labelOf(attachment)).toBe(label))
