// Pairings: who may talk to a channel because somebody approved a code. A code is open for an hour and then worth nothing.

import { FailureError } from '../../machines/failure.ts'
import type { World } from '../world.ts'
import { type Database, numberOf, optionalTextOf, type Row, textOf, theRow } from './database.ts'
import type { Pairing, PairingUser } from './store.ts'

/** Time to carry a code to an operator; short enough that guessing it is hopeless. */
export const CODE_MS_MAX = 60 * 60_000

/** Strangers make codes, so there must be an end of them; far more than an operator approves in an hour. */
export const OPEN_CODES_MAX = 1_000

export interface Pairings {
  code(channel: string, user: PairingUser): string
  list(): Pairing[]
  approve(code: string): Pairing | null
  revoke(channel: string, user: string): boolean
  isPaired(channel: string, user: string): boolean
}

export function pairings(database: Database, world: World): Pairings {
  const expire = database.prepare('DELETE FROM pairing_codes WHERE asked_at_ms <= ?')
  const codeOf = database.prepare('SELECT code FROM pairing_codes WHERE channel = ? AND user = ?')
  const open = database.prepare('SELECT count(*) AS count, min(asked_at_ms) AS oldest FROM pairing_codes')
  const addCode = database.prepare(
    'INSERT INTO pairing_codes (code, channel, user, name, asked_at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const asked = database.prepare('SELECT * FROM pairing_codes WHERE code = ? AND asked_at_ms > ?')
  const listCodes = database.prepare('SELECT * FROM pairing_codes WHERE asked_at_ms > ? ORDER BY asked_at_ms')
  const listApproved = database.prepare('SELECT * FROM pairings')
  const approve = database.prepare(
    `INSERT INTO pairings (channel, user, name, approved_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (channel, user) DO UPDATE SET name = excluded.name, approved_at_ms = excluded.approved_at_ms`,
  )
  const removeCode = database.prepare('DELETE FROM pairing_codes WHERE channel = ? AND user = ?')
  const remove = database.prepare('DELETE FROM pairings WHERE channel = ? AND user = ?')
  const paired = database.prepare('SELECT 1 FROM pairings WHERE channel = ? AND user = ?')
  const expiredBefore = () => world.nowMs() - CODE_MS_MAX

  return {
    code(channel, user) {
      expire.run(expiredBefore())
      const known = codeOf.get(channel, user.id)
      if (known !== undefined) return textOf(known, 'code')
      refuseWhenFull(theRow(open.get()), world.nowMs())
      for (;;) {
        const code = newCode(world)
        if (addCode.run(code, channel, user.id, user.name, world.nowMs()).changes === 1) return code
      }
    },
    list: () => [...listApproved.all().map(approvedOf), ...listCodes.all(expiredBefore()).map(askedOf)],
    approve(code) {
      const row = asked.get(code.trim().toUpperCase(), expiredBefore())
      if (row === undefined) return null
      const pairing = { ...askedOf(row), code: null, atMs: world.nowMs() }
      removeCode.run(pairing.channel, pairing.user)
      approve.run(pairing.channel, pairing.user, pairing.name, pairing.atMs)
      return pairing
    },
    revoke(channel, user) {
      const codes = removeCode.run(channel, user).changes
      return remove.run(channel, user).changes === 1 || codes === 1
    },
    isPaired: (channel, user) => paired.get(channel, user) !== undefined,
  }
}

/** No 0 and O, no 1, I and L: a code is read aloud and typed. */
const CODE_LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789'
const CODE_LENGTH = 8

function newCode(world: World): string {
  const letter = () => CODE_LETTERS.charAt(Math.floor(world.random() * CODE_LETTERS.length))
  return Array.from({ length: CODE_LENGTH }, letter).join('')
}

// Refused, and not made room for: the code that would have to go was already told to somebody.
function refuseWhenFull(open: Row, nowMs: number): void {
  if (numberOf(open, 'count') < OPEN_CODES_MAX) return
  throw new FailureError({
    kind: 'retryable',
    reason: 'rateLimited',
    message: `${OPEN_CODES_MAX} people wait for a pairing already.`,
    remedy: 'Approve some of them, or wait: a code expires after an hour.',
    retryAfterMs: numberOf(open, 'oldest') + CODE_MS_MAX - nowMs,
  })
}

function askedOf(row: Row): Pairing {
  return {
    channel: textOf(row, 'channel'),
    user: textOf(row, 'user'),
    name: optionalTextOf(row, 'name'),
    code: textOf(row, 'code'),
    atMs: numberOf(row, 'asked_at_ms'),
  }
}

function approvedOf(row: Row): Pairing {
  return {
    channel: textOf(row, 'channel'),
    user: textOf(row, 'user'),
    name: optionalTextOf(row, 'name'),
    code: null,
    atMs: numberOf(row, 'approved_at_ms'),
  }
}
