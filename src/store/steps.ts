// Steps: what the runs of each session did, in the order in which it was written. Appended, never changed.

import type { Step, TurnStep } from '../../machines/steps.ts'
import type { World } from '../world.ts'
import { type Database, type Row, textOf } from './database.ts'

export interface Steps {
  append(sessionKey: string, steps: readonly TurnStep[]): void
  ofTurn(sessionKey: string, turn: string): Step[]
  has(sessionKey: string, turn: string): boolean
  /** False: none of the session's runs ever used a tool. */
  any(sessionKey: string): boolean
}

export function steps(database: Database, world: World): Steps {
  const insert = database.prepare('INSERT INTO steps (session_key, turn, kind, content, at_ms) VALUES (?, ?, ?, ?, ?)')
  const ofTurn = database.prepare('SELECT kind, content FROM steps WHERE session_key = ? AND turn = ? ORDER BY seq')
  const has = database.prepare('SELECT 1 FROM steps WHERE session_key = ? AND turn = ? LIMIT 1')
  const any = database.prepare('SELECT 1 FROM steps WHERE session_key = ? LIMIT 1')
  return {
    append(sessionKey, given) {
      for (const { turn, step } of given) {
        const { kind, ...content } = step
        insert.run(sessionKey, turn, kind, JSON.stringify(content), world.nowMs())
      }
    },
    ofTurn: (sessionKey, turn) => ofTurn.all(sessionKey, turn).map(stepOf),
    has: (sessionKey, turn) => has.get(sessionKey, turn) !== undefined,
    any: (sessionKey) => any.get(sessionKey) !== undefined,
  }
}

export function stepOf(row: Row): Step {
  return { kind: textOf(row, 'kind'), ...JSON.parse(textOf(row, 'content')) } as Step // As `append` wrote it.
}
