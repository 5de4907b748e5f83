// Users: who may talk to a channel, in the one form in which senders are compared. Pure.

import type { Person } from './platform.ts'
import { platformNamed } from './platforms.ts'
import type { Tree } from './tree.ts'

/** The normalised entry, or what is wrong with it; null when there is nothing to judge: not a value, or its variable is unset. */
export function userOf(platform: string, item: Tree): Person | null {
  if (item.kind !== 'scalar' || item.broken || item.unset.length > 0) return null
  if (typeof item.value !== 'string' && typeof item.value !== 'number') return null
  // The schema has words for a number that is not whole.
  if (typeof item.value === 'number' && !Number.isInteger(item.value)) return null
  const text = String(item.value).trim()
  if (text === '') return null
  if (text === '*') return { mistake: 'expected a person; for everybody set unknown_user_policy: allow' }
  return platformNamed(platform)?.personOf(text) ?? { user: text }
}
