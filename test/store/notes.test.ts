// Notes in their tables: order, numbers that are never given twice, texts that stand there once.

import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type NoteOperations, notes } from '../../src/store/notes.ts'
import { stillWorld } from './still-world.ts'

/** The tables as the file proposes them. */
function tables(): string {
  const source = readFileSync(new URL('../../src/store/notes.ts', import.meta.url), 'utf8')
  const lines = source.split('\n').map((line) => /^\/\/ {3}(.*)/.exec(line)?.[1] ?? '')
  return lines.slice(lines.findIndex((line) => line.startsWith('CREATE'))).join('\n')
}

function fresh(sql = tables()): NoteOperations {
  const database = new DatabaseSync(':memory:')
  onTestFinished(() => database.close())
  database.exec(sql)
  return notes(database, stillWorld())
}

/** What every store of notes does; throws when it does not. */
function check(store: NoteOperations): void {
  expect([store.add('cfo', 'web/1', 'a'), store.add('cfo', 'web/1', 'b'), store.add('cfo', 'web/1', 'a')]).toEqual([
    1, 2, 1,
  ])
  expect([store.add('cfo', 'web/2', 'a'), store.add('ops', 'web/1', 'a')]).toEqual([1, 1])
  expect(store.list('cfo', 'web/1').map(({ number, text }) => `${number} ${text}`)).toEqual(['1 a', '2 b'])
  expect(store.remove('cfo', 'web/1', 2)).toBe(true)
  expect(store.remove('cfo', 'web/1', 2)).toBe(false)
  expect(store.add('cfo', 'web/1', 'c')).toBe(3)
  expect(store.list('cfo', 'web/1').map(({ number }) => number)).toEqual([1, 3])
  expect(store.list('ops', 'web/2')).toEqual([])
}

describe('notes', () => {
  test('each agent’s notes about each person are a list of their own, numbered once', () => check(fresh()))

  test('a note comes back as it was, as a plain object, with its time', () => {
    const store = fresh()
    store.add('cfo', 'web/1', 'likes "tea" \u{1f375}')
    expect(store.list('cfo', 'web/1')).toStrictEqual([
      { number: 1, text: 'likes "tea" \u{1f375}', atMs: stillWorld().nowMs() },
    ])
  })

  test('the check catches numbers that are given again', () => {
    const store = fresh()
    const again = {
      ...store,
      add: (agent: string, user: string, text: string) => Math.min(2, store.add(agent, user, text)),
    }
    expect(() => check(again)).toThrow()
  })
})
