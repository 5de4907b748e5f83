// Shapes: what of a value is shown. Hostile values in every place.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { ITEMS_SHOWN, TEXT_UNITS_SHOWN } from '../../src/inspect/limits.ts'
import { type Shape, shown, UNLISTED } from '../../src/inspect/shape.ts'

const SECRET = 'marker7f3a'

const hostile: readonly unknown[] = [
  SECRET,
  [SECRET],
  { [SECRET]: 1 },
  { text: SECRET },
  new Error(SECRET),
  Object.assign(new Error('x'), { name: SECRET, [SECRET]: 1 }),
  new FailureError({ kind: 'permanent', reason: 'refused', message: SECRET, remedy: SECRET }, { cause: SECRET }),
  new Map([[SECRET, SECRET]]),
  Symbol(SECRET),
  () => SECRET,
  { toJSON: () => SECRET },
  JSON.parse(`{"__proto__":{"text":"${SECRET}"},"constructor":"${SECRET}"}`),
]

const SHAPES: readonly Shape[] = [
  'text',
  'command',
  'error',
  'hidden',
  { each: 'text' },
  { parts: {} },
  { parts: { text: 'text' } },
  { each: { parts: { text: 'hidden' } } },
]

test.each(SHAPES)('A3: no hostile value gets through %j', (shape) => {
  for (const value of hostile) {
    for (const texts of [true, false]) {
      if (texts && JSON.stringify(shape).match(/text|command/)) continue
      expect(JSON.stringify(shown(value, shape, { texts })) ?? '').not.toContain(SECRET)
    }
  }
})

test('what a word is: one primitive, and nothing inside it', () => {
  const show = (value: unknown) => shown(value, 'word', { texts: false })
  expect([show('idle'), show(3), show(true), show(null), show(undefined)]).toEqual(['idle', 3, true, null, undefined])
  expect([show({ text: SECRET }), show([SECRET]), show(() => SECRET)]).toEqual([UNLISTED, UNLISTED, UNLISTED])
})

test('a command of ours is shown, what somebody typed is not', () => {
  const show = (value: unknown) => shown(value, 'command', { texts: false })
  expect([show('stop'), show(SECRET), show('constructor')]).toEqual(['stop', '[text]', '[text]'])
})

test('an error is its name, and a failure its reason', () => {
  const failure = new FailureError({ kind: 'retryable', reason: 'rateLimited', message: SECRET })
  const show = (value: unknown) => shown(value, 'error', { texts: true })
  expect(show(failure)).toEqual({ name: 'FailureError', reason: 'rateLimited' })
  expect(show(new TypeError(SECRET))).toEqual({ name: 'TypeError' })
  expect(show(Object.assign(new Error(), { name: SECRET }))).toEqual({ name: 'Error' })
  expect(show(SECRET)).toEqual({ name: 'Error' })
})

test('a part that no shape names shows that it is there, and not what it is called', () => {
  expect(shown({ a: 1, [SECRET]: 2 }, { parts: { a: 'word' } }, { texts: true })).toEqual({ a: 1, '…': UNLISTED })
})

test('I4: lists, records and texts are cut', () => {
  const list = Array.from({ length: ITEMS_SHOWN + 5 }, (_, index) => index)
  expect(shown(list, { each: 'word' }, { texts: false })).toEqual(['… 5 earlier', ...list.slice(5)])
  const record = Object.fromEntries(list.concat(list.map((each) => each + 100)).map((each) => [`k${each}`, each]))
  expect(shown(record, { keyed: 'word' }, { texts: false })).toMatchObject({ '…': '10 more' })
  const text = shown('x'.repeat(100_000), 'text', { texts: true })
  expect(String(text)).toHaveLength(TEXT_UNITS_SHOWN + 1)
})
