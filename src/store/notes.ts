// Notes: what agents remember of people. `user` names a person on a channel (machines/notes.ts).
//   A note's number is not given again, also after it was removed: a removal that is repeated hits no other note. For that the
//   highest one, when it is removed, stays as an empty text until there is a higher one.
//   A text that an agent noted about a person already is not noted again.

import type { Note } from '../../machines/notes.ts'
import type { World } from '../world.ts'
import { type Database, numberOf, textOf, theRow } from './database.ts'

export interface NoteOperations {
  /** Oldest first. */
  list(agent: string, user: string): Note[]
  /** Returns the note's number. */
  add(agent: string, user: string, text: string): number
  /** False: there is no such note. */
  remove(agent: string, user: string, number: number): boolean
}

export function notes(database: Database, world: World): NoteOperations {
  const list = database.prepare(
    "SELECT number, text, at_ms FROM notes WHERE agent = ? AND user = ? AND text <> '' ORDER BY number",
  )
  const known = database.prepare('SELECT number FROM notes WHERE agent = ? AND user = ? AND text = ?')
  const highest = database.prepare('SELECT coalesce(max(number), 0) AS number FROM notes WHERE agent = ? AND user = ?')
  const insert = database.prepare('INSERT INTO notes (agent, user, number, text, at_ms) VALUES (?, ?, ?, ?, ?)')
  const empty = database.prepare(
    "UPDATE notes SET text = '' WHERE agent = ? AND user = ? AND number = ? AND text <> ''",
  )
  const clear = database.prepare(
    `DELETE FROM notes WHERE agent = ?1 AND user = ?2 AND text = ''
     AND number < (SELECT max(number) FROM notes WHERE agent = ?1 AND user = ?2)`,
  )
  return {
    list: (agent, user) =>
      list.all(agent, user).map((row) => ({
        number: numberOf(row, 'number'),
        text: textOf(row, 'text'),
        atMs: numberOf(row, 'at_ms'),
      })),
    add(agent, user, text) {
      const same = known.get(agent, user, text)
      if (same !== undefined) return numberOf(same, 'number')
      const number = numberOf(theRow(highest.get(agent, user)), 'number') + 1
      insert.run(agent, user, number, text, world.nowMs())
      clear.run(agent, user)
      return number
    },
    remove(agent, user, number) {
      const found = empty.run(agent, user, number).changes === 1
      clear.run(agent, user)
      return found
    },
  }
}
