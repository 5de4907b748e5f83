// Token locks: one Troupe process per bot token on this machine, whatever data folder it uses (C2 between processes).
// The lock's name is a hash: no token stands in a file name.

import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Holder, LockHeldError } from '../store/failures.ts'
import type { Lock } from '../store/lock.ts'
import { holdLock } from '../store/sqlite.ts'

export interface TokenLocks {
  /** Takes the locks of newer credentials and gives back those of replaced ones; throws as `lockTokens`, and then keeps the old. */
  renew(secrets: Secrets): void
  release(): void
}

/** Throws LockHeldError, naming the channel and the holder, when another process polls one of the tokens. */
export function lockTokens(definition: GatewayDefinition, secrets: Secrets, holder: Holder): TokenLocks {
  const held = new Map<string, Lock>()
  const renew = (newer: Secrets): void => {
    const wanted = new Map<string, ChannelDefinition>()
    for (const channel of Object.values(definition.channels)) {
      const name = lockName(channel, newer)
      if (name !== null) wanted.set(name, channel)
    }
    const taken = new Map<string, Lock>()
    try {
      for (const [name, channel] of wanted) if (!held.has(name)) taken.set(name, lockToken(name, channel, holder))
    } catch (error) {
      for (const lock of taken.values()) lock.release()
      throw error
    }
    for (const [name, lock] of taken) held.set(name, lock)
    for (const [name, lock] of held) if (!wanted.has(name) && held.delete(name)) lock.release()
  }
  renew(secrets)
  return {
    renew,
    release() {
      for (const lock of held.values()) lock.release()
      held.clear()
    },
  }
}

function lockToken(name: string, channel: ChannelDefinition, holder: Holder): Lock {
  try {
    return holdLock(join(tmpdir(), `troupe-tokens-${process.getuid?.() ?? 0}`, name), holder)
  } catch (error) {
    throw error instanceof LockHeldError ? named(error, channel) : error
  }
}

/** null: nothing to poll with; the channel fails by itself and says why. */
function lockName(channel: ChannelDefinition, secrets: Secrets): string | null {
  if (channel.token === null || channel.missing.length > 0) return null
  const identity = `${channel.apiRoot ?? ''} ${secrets.resolve(channel.token)}`
  return createHash('sha256').update(identity).digest('hex').slice(0, 32)
}

function named(error: LockHeldError, channel: ChannelDefinition): LockHeldError {
  const who = error.holder === null ? 'another Troupe process' : `another Troupe process (pid ${error.holder.pid})`
  const message = `The token of ${channel.id} is polled by ${who} on this machine already`
  return new LockHeldError({ ...error.failure, message }, error.holder)
}
