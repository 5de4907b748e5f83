// Readings: what a model is told and shown of a turn's attachments, and what their sender is told; each within its bound.

import { describe, expect, test } from 'vitest'
import { type InboxItem, itemOf } from '../../machines/inbox.ts'
import { FILES_MAX, READ_UNITS_MAX, SHOWN_FILE_BYTES_MAX } from '../../machines/limits.ts'
import { type Attachment, type Senses, UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import { attachmentsOf, type ReadAttachment, type Reading, withReadings } from '../../machines/readings.ts'
import { acceptedMessage } from '../support/messages.ts'

const SENSES: Senses = { sees: () => true, describes: false, hears: true, opens: false, looks: true }
const document: Attachment = { ...UNKNOWN_ATTACHMENT, kind: 'document', reference: 'd', name: 'a.txt' }

function item(text: string, attachments: readonly Attachment[], seq = 1): InboxItem {
  const made = itemOf(acceptedMessage(text, { seq, attachments }), 'queue')
  if (made === null) throw new Error('a message is an item')
  return made
}

function read(text: string, readings: readonly Reading[], senses = SENSES) {
  const attachments = readings.map(() => document)
  const all = readings.map((reading): ReadAttachment => ({ attachment: document, path: 'received/1-1-a.txt', reading }))
  return withReadings([item(text, attachments)], new Map([[1, all]]), senses)
}

const textOf = (text: string): Reading => ({ outcome: 'read', text, isWhole: true })
const failed = (message: string): Reading => ({
  outcome: 'failed',
  failure: { kind: 'permanent', reason: 'refused', message, remedy: 'Write it' },
})
const picture = (bytes: number): Reading => ({
  outcome: 'shown',
  file: { path: `received/${bytes}`, mediaType: 'image/png', bytes },
})

test('all texts of a turn together have a bound; the rest is cut and said to be', () => {
  const { turn } = read('look', [textOf('x'.repeat(READ_UNITS_MAX - 2)), textOf('yyyy'), textOf('zzzz')])
  const text = turn[0]?.text ?? ''
  expect(text).toContain('\nyy\n[cut here; the rest was not read]')
  expect(text).not.toContain('z')
  expect(text.length).toBeLessThan(READ_UNITS_MAX + 500)
})

test('half a character is not left behind by a cut', () => {
  const { turn } = read('', [textOf(`${'x'.repeat(READ_UNITS_MAX - 1)}👍`)])
  expect(turn[0]?.text.isWellFormed()).toBe(true)
})

test('where the whole of a cut text is, is told to an agent whose tools open files', () => {
  const { turn } = read('', [{ outcome: 'read', text: 'begin', isWhole: false }], { ...SENSES, opens: true })
  expect(turn[0]?.text).toContain('[cut here; the rest was not read. The whole file is received/1-1-a.txt]')
})

test('all pictures of a turn together have a bound; its sender is told of the others', () => {
  const { turn, notices } = read('look', Array(6).fill(picture(SHOWN_FILE_BYTES_MAX)))
  expect(turn[0]?.shown).toHaveLength(4)
  expect(turn[0]?.text.split('not shown')).toHaveLength(3)
  expect(notices[0]).toContain('too large together')
})

test('a turn has so many files; the others are not asked for, and a location is none', () => {
  const more = Array(FILES_MAX).fill(document)
  const turn = [item('', [UNKNOWN_ATTACHMENT]), item('', more, 2), item('', [document], 3)]
  const over = attachmentsOf(turn).map(({ isOver }) => isOver)
  expect(over).toHaveLength(FILES_MAX + 2)
  expect(over.filter(Boolean)).toHaveLength(1)
  expect(over.at(-1)).toBe(true)
})

describe('what could not be read', () => {
  test('is told in sentences, and the turn goes on with what was written', () => {
    const { notices, failure, turn } = read('look', [failed('the document is broken')])
    expect(notices).toEqual(['The document is broken. Write it.'])
    expect(failure).toBe(null)
    expect(turn[0]?.text).toBe('look\n[document a.txt, could not be read]')
  })

  test('alone is the end of the turn, each with its reason', () => {
    expect(read(' ', [failed('one')]).failure).toMatchObject({ message: 'one', remedy: 'Write it' })
    expect(read('', [failed('one'), failed('two')]).failure?.message).toBe('One. Write it.\nTwo. Write it.')
  })

  test('is told once, when it is the same for many', () => {
    expect(read('look', [failed('one'), failed('one')]).notices).toEqual(['One. Write it.'])
    expect(read('', [failed('one'), failed('one')]).failure).toMatchObject({ message: 'one', remedy: 'Write it' })
  })

  test('beside something that was read is not the end', () => {
    expect(read('', [failed('one'), textOf('two')]).failure).toBe(null)
    expect(read('', [failed('one'), { outcome: 'kept' }]).failure).toBe(null)
  })
})
