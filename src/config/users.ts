// Users: who may talk to a channel, in the one form in which senders are compared. Pure.

import type { Tree } from './tree.ts'

/** The normalised entry, or what is wrong with it; null when there is nothing to judge: not a value, or its variable is unset. */
export function userOf(platform: string, item: Tree): { user: string } | { mistake: string } | null {
  if (item.kind !== 'scalar' || item.broken || item.unset.length > 0) return null
  if (typeof item.value !== 'string' && typeof item.value !== 'number') return null
  // The schema has words for a number that is not whole.
  if (typeof item.value === 'number' && !Number.isInteger(item.value)) return null
  const text = String(item.value).trim()
  if (text === '') return null
  if (text === '*') return { mistake: 'expected a person; for everybody set unknown_user_policy: allow' }
  return platform === 'telegram' ? telegramUser(text) : { user: text }
}

function telegramUser(text: string): { user: string } | { mistake: string } {
  if (/^[1-9]\d{0,19}$/.test(text)) return { user: text }
  // Handles do not begin with a digit, so a bare one cannot be taken for an id.
  const handle = /^@?([a-z]\w{0,31})$/i.exec(text)?.[1]
  if (handle !== undefined) return { user: `@${handle.toLowerCase()}` }
  return { mistake: 'expected a person\'s id (a whole number above 0) or "@handle"' }
}
