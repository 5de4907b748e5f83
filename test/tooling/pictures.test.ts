// Pictures: machines/README.md shows the charts of this moment.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { machineNames } from '../../src/start.ts'
import { README, withPictures } from './pictures.ts'

const committed = readFileSync(README, 'utf8')

test('the pictures are those of the charts that run', () => {
  expect(committed, 'a chart has changed: run npm run pictures').toBe(withPictures(committed))
})

test('each machine has one, with every state in words', () => {
  for (const name of machineNames) expect(committed).toContain(`<summary><b>${name}</b>: `)
  expect(committed).toContain('| `pending.waiting` | For one of the slots')
})

test.each([
  ['a picture of an older chart', (text: string) => text.replace('idle --> pending : message.routed', '')],
  ['a state that is not described any more', (text: string) => text.replace('| `pending.waiting` |', '| `waiting` |')],
])('%s would be noticed', (_, age) => {
  const older = age(committed)
  expect(older).not.toBe(committed)
  expect(withPictures(older)).toBe(committed)
})

test('a page that has lost its place is not written over', () => {
  expect(() => withPictures('# Machines\n')).toThrow('has lost the lines')
})
