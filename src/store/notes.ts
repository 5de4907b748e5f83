// Notes: what agents remember of people. `user` names a person on a channel (machines/notes.ts).
//   A note's number is never given twice, also after it was removed: a removal that is repeated can hit no other note.
//   A text that an agent noted about a person already is not noted again.
//
// The tables, for the schema's next version:
//   CREATE TABLE notes (
//     agent TEXT NOT NULL,
//     user TEXT NOT NULL,
//     number INTEGER NOT NULL,
//     text TEXT NOT NULL,
//     at_ms INTEGER NOT NULL,
//     PRIMARY KEY (agent, user, number)
//   ) STRICT, WITHOUT ROWID;
//   CREATE TABLE note_numbers (
//     agent TEXT NOT NULL,
//     user TEXT NOT NULL,
//     last INTEGER NOT NULL,
//     PRIMARY KEY (agent, user)
//   ) STRICT, WITHOUT ROWID;

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
  const list = database.prepare('SELECT number, text, at_ms FROM notes WHERE agent = ? AND user = ? ORDER BY number')
  const known = database.prepare('SELECT number FROM notes WHERE agent = ? AND user = ? AND text = ?')
  const count = database.prepare(
    `INSERT INTO note_numbers (agent, user, last) VALUES (?, ?, 1)
     ON CONFLICT (agent, user) DO UPDATE SET last = last + 1 RETURNING last`,
  )
  const insert = database.prepare('INSERT INTO notes (agent, user, number, text, at_ms) VALUES (?, ?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM notes WHERE agent = ? AND user = ? AND number = ?')
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
      const number = numberOf(theRow(count.get(agent, user)), 'last')
      insert.run(agent, user, number, text, world.nowMs())
      return number
    },
    remove: (agent, user, number) => remove.run(agent, user, number).changes === 1,
  }
}
