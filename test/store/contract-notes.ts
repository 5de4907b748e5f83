// Notes: what the store's contract says of what agents remember of people.

import { expect } from 'vitest'
import type { Check } from './contract.ts'

export const noteChecks: readonly Check[] = [
  {
    name: 'notes are a list for each agent and person, oldest first; a text is noted once',
    async run(store, world) {
      const add = (text: string) => store.addNote('cfo', 'web/1', text)
      expect(await Promise.all([add('a'), add('likes "tea" \u{1f375}'), add('a')])).toEqual([1, 2, 1])
      expect(await Promise.all([store.addNote('cfo', 'web/2', 'a'), store.addNote('ops', 'web/1', 'a')])).toEqual([
        1, 1,
      ])
      const atMs = world.nowMs()
      expect(await store.notes('cfo', 'web/1')).toStrictEqual([
        { number: 1, text: 'a', atMs },
        { number: 2, text: 'likes "tea" \u{1f375}', atMs },
      ])
      expect(await store.notes('ops', 'web/2')).toEqual([])
    },
  },
  {
    name: 'a note is removed once, and its number is not given again',
    async run(store) {
      for (const text of ['a', 'b', 'c']) await store.addNote('cfo', 'web/1', text)
      const remove = (number: number) => store.removeNote('cfo', 'web/1', number)
      expect([await remove(3), await remove(3), await remove(1), await remove(7)]).toEqual([true, false, true, false])
      expect(await store.notes('cfo', 'web/1')).toMatchObject([{ number: 2, text: 'b' }])
      expect(await store.addNote('cfo', 'web/1', 'd')).toBe(4)
      expect([await remove(3), await remove(4), await remove(2)]).toEqual([false, true, true])
      expect(await store.notes('cfo', 'web/1')).toEqual([])
      expect(await store.addNote('cfo', 'web/1', 'a')).toBe(5)
    },
  },
]
