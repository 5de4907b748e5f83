// Series: the numbers, and their text.

import { expect, test } from 'vitest'
import { counter, histogram, secondsBetween } from '../../src/start/series.ts'
import { readExposition, valueOf } from '../support/exposition.ts'

const named = { name: 'troupe_things_total', help: 'Things.' }

test('a counter keeps one number for each set of labels', () => {
  const things = counter({ ...named, labels: ['channel', 'outcome'] })
  things.add(['cfo', 'good'])
  things.add(['cfo', 'good'], 2)
  things.add(['ops', 'bad'])
  expect(things.text()).toBe(
    [
      '# HELP troupe_things_total Things.',
      '# TYPE troupe_things_total counter',
      'troupe_things_total{channel="cfo",outcome="good"} 3',
      'troupe_things_total{channel="ops",outcome="bad"} 1',
      '',
    ].join('\n'),
  )
})

test('a histogram counts each value in its bucket and in all above', () => {
  const waits = histogram({ name: 'troupe_wait_seconds', help: 'Waits.', labels: [], bounds: [0.1, 1] })
  for (const seconds of [0.1, 0.5, 2, 3]) waits.observe([], seconds)
  expect(waits.text().split('\n').slice(2)).toEqual([
    'troupe_wait_seconds_bucket{le="0.1"} 1',
    'troupe_wait_seconds_bucket{le="1"} 2',
    'troupe_wait_seconds_bucket{le="+Inf"} 4',
    'troupe_wait_seconds_sum 5.6',
    'troupe_wait_seconds_count 4',
    '',
  ])
})

test('nothing takes less than no time, also when the clock is set back meanwhile', () => {
  expect(secondsBetween(1_000, 3_500)).toBe(2.5)
  expect(secondsBetween(3_500, 1_000)).toBe(0)
})

test('what stands in a label is read as it was', () => {
  const hostile = 'a "b" \\ c\n} 7'
  const things = counter({ ...named, labels: ['channel', 'outcome'] })
  things.add([hostile, 'x'])
  expect(readExposition(things.text())).toEqual([
    { name: 'troupe_things_total', labels: { channel: hostile, outcome: 'x' }, value: 1 },
  ])
})

test.each([
  ['a value that is none', 'a b', /not a sample/],
  ['a label that does not end', 'a{b="c} 1', /not labels/],
  ['a series twice', 'a{b="c"} 1\na{b="c"} 2', /twice/],
  ['a name without a type', 'b 1', /no type/],
])('the reader of these tests finds %s', (_, lines, says) => {
  expect(() => readExposition(`# TYPE a counter\n${lines}\n`)).toThrow(says)
})

test.each([
  ['that fall', 'a_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_count 1'],
  ['that end too early', 'a_bucket{le="1"} 1\na_count 1'],
  ['that do not hold everything', 'a_bucket{le="+Inf"} 1\na_count 2'],
])('the reader of these tests finds buckets %s', (_, lines) => {
  expect(() => readExposition(`# TYPE a histogram\n${lines}\n`)).toThrow(/do not rise|lacks/)
})

test('the reader of these tests adds up what has the labels', () => {
  const samples = readExposition('# TYPE a counter\na{b="1",c="1"} 1\na{b="1",c="2"} 2\na{b="2",c="1"} 4\n')
  expect([valueOf(samples, 'a'), valueOf(samples, 'a', { b: '1' }), valueOf(samples, 'x')]).toEqual([7, 3, 0])
})
