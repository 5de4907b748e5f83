// Telegram parts: albums and long texts in groups, of which one part has the mention.

import { expect, test } from 'vitest'
import type { Inbound } from '../../machines/messages.ts'
import { createParts } from '../../src/channels/telegram-parts.ts'

const PART: Inbound = {
  channel: 'tg',
  conversation: '-1001',
  platformMessageId: '7:1',
  kind: 'group',
  sender: { id: '1', name: 'Anna', handle: null },
  text: '',
  addressed: false,
  album: null,
  attachments: [],
  continues: false,
}

test('S24: an album is addressed as a whole, whichever part has the caption', () => {
  const withParts = createParts()
  const [first, second, third] = ['a', 'b', 'c'].map((text) => ({ ...PART, album: 'one', text }))
  expect(given(withParts(first!, 0))).toEqual(['a -'])
  expect(given(withParts({ ...second!, addressed: true }, 0))).toEqual(['a addressed', 'b addressed'])
  expect(given(withParts(third!, 90_000))).toEqual(['c addressed'])
  expect(given(withParts({ ...third!, album: 'another' }, 0))).toEqual(['c -'])
  expect(given(withParts({ ...third!, conversation: '-1002' }, 0))).toEqual(['c -'])
})

test('S24: a text that the client split is addressed as a whole, and nothing that somebody writes later', () => {
  const withParts = createParts()
  const long = { ...PART, text: 'long', continues: true }
  expect(given(withParts({ ...long, addressed: true }, 0))).toEqual(['long addressed'])
  expect(given(withParts({ ...PART, sender: { ...PART.sender, id: '2' }, text: 'another person' }, 10))).toEqual([
    'another person -',
  ])
  expect(given(withParts(long, 50))).toEqual(['long addressed'])
  expect(given(withParts({ ...PART, text: 'end' }, 100))).toEqual(['end addressed'])
  expect(given(withParts({ ...PART, text: 'something else' }, 150))).toEqual(['something else -'])
  withParts({ ...long, addressed: true }, 1_000)
  expect(given(withParts({ ...PART, text: 'much later' }, 60_000))).toEqual(['much later -'])
})

test('M2: what it remembers is bounded', () => {
  const withParts = createParts()
  const asked = { ...PART, addressed: true }
  withParts({ ...asked, album: 'oldest' }, 0)
  withParts({ ...asked, continues: true }, 0)
  for (let index = 0; index < 300; index += 1) {
    withParts({ ...asked, album: `album ${index}` }, 0)
    withParts({ ...asked, continues: true, conversation: `-2${index}` }, 0)
  }
  expect(given(withParts({ ...PART, album: 'oldest', text: 'a' }, 1))).toEqual(['a -'])
  expect(given(withParts({ ...PART, text: 'b' }, 1))).toEqual(['b -'])
  expect(given(withParts({ ...PART, album: 'album 299', text: 'c' }, 1))).toEqual(['c addressed'])
})

test('in a private chat everything is as it was read', () => {
  const message: Inbound = { ...PART, kind: 'dm', addressed: true, album: 'one' }
  expect(createParts()(message, 0)).toEqual([message])
})

function given(parts: readonly Inbound[]): string[] {
  return parts.map(({ text, addressed }) => `${text} ${addressed ? 'addressed' : '-'}`)
}
