// Token locks: who may poll with which token (C2 beyond one channel).
//   One Troupe process per token on this machine, whatever data folder it uses. The lock's name is a hash: no token stands in
//   a file name.
//   One connection per token in this process: channels of a newer file may have exchanged their tokens, or one its name.

import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { Tokens } from '../actors/parts.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Holder, LockHeldError } from '../store/failures.ts'
import type { Lock } from '../store/lock.ts'
import { holdLock } from '../store/sqlite.ts'
import type { Clock } from '../world.ts'

export interface TokenLocks extends Tokens {
  /** Takes what a newer file names and is free, gives back what it does not name and no connection is on. */
  renew(definition: GatewayDefinition): void
  release(): void
}

export interface TokenLocksOptions {
  readonly definition: GatewayDefinition
  readonly secrets: Secrets
  readonly holder: Holder
  readonly clock: Clock
}

/** Throws LockHeldError, naming the channel and the holder, when another process polls one of the tokens. */
export function lockTokens({ definition, secrets, holder, clock }: TokenLocksOptions): TokenLocks {
  const held = new Map<string, Lock>()
  const living = new Map<string, Living>()
  let named = namesIn(definition, secrets)
  const claim = (channel: ChannelDefinition): void => {
    const name = lockName(channel, secrets)
    if (name !== null && !held.has(name)) held.set(name, lockToken(name, channel, holder))
  }
  const release = (): void => {
    for (const lock of held.values()) lock.release()
    held.clear()
  }
  const giveBackUnused = (): void => {
    for (const [name, lock] of held) {
      if (!named.has(name) && !living.has(name) && held.delete(name)) lock.release()
    }
  }
  try {
    for (const channel of named.values()) claim(channel)
  } catch (error) {
    release()
    throw error
  }
  return {
    claim,
    async hold(channel, signal) {
      const name = lockName(channel, secrets)
      if (name === null) return () => {}
      claim(channel)
      for (let other = living.get(name); other !== undefined; other = living.get(name)) {
        await handedOver(other, signal, clock)
        if (signal.aborted) return () => {}
      }
      const ended = Promise.withResolvers<void>()
      living.set(name, { channel: channel.id, ended: ended.promise })
      return () => {
        living.delete(name)
        giveBackUnused()
        ended.resolve()
      }
    },
    renew(newer) {
      named = namesIn(newer, secrets)
      giveBackUnused()
      for (const channel of named.values()) {
        try {
          claim(channel)
        } catch {
          // Its channel claims it again before it connects, and says who has it.
        }
      }
    },
    release,
  }
}

/** A connection on a token. */
interface Living {
  readonly channel: string
  readonly ended: Promise<void>
}

/** A channel that gives its token up needs a moment to close; one that keeps it does not give it up at all. */
const HAND_OVER_MS_MAX = 5_000

async function handedOver({ channel, ended }: Living, signal: AbortSignal, clock: Clock): Promise<void> {
  const waiting = Promise.withResolvers<void>()
  const timer = clock.setTimeout(() => waiting.reject(new FailureError(stillPolled(channel))), HAND_OVER_MS_MAX)
  const stop = (): void => waiting.resolve()
  signal.addEventListener('abort', stop)
  try {
    await Promise.race([ended, waiting.promise])
  } finally {
    clock.clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function stillPolled(channel: string) {
  const message = `the channel ${channel} polls this token still`
  return { kind: 'retryable', reason: 'conflict', message } as const
}

/** The channels of a file by the names of their locks. */
function namesIn(definition: GatewayDefinition, secrets: Secrets): ReadonlyMap<string, ChannelDefinition> {
  const named = new Map<string, ChannelDefinition>()
  for (const channel of Object.values(definition.channels)) {
    const name = lockName(channel, secrets)
    if (name !== null) named.set(name, channel)
  }
  return named
}

function lockToken(name: string, channel: ChannelDefinition, holder: Holder): Lock {
  try {
    return holdLock(join(tmpdir(), `troupe-tokens-${process.getuid?.() ?? 0}`, name), holder)
  } catch (error) {
    if (error instanceof LockHeldError) throw heldElsewhere(error, channel)
    throw error instanceof FailureError ? noTemporaryFolder(error) : error
  }
}

/** null: nothing to poll with; the channel fails by itself and says why. */
function lockName(channel: ChannelDefinition, secrets: Secrets): string | null {
  // What a module is given may be a password that several share.
  if (channel.token === null || channel.module !== null || channel.missing.length > 0) return null
  const identity = `${channel.apiRoot ?? ''} ${secrets.resolve(channel.token)}`
  return createHash('sha256').update(identity).digest('hex').slice(0, 32)
}

function noTemporaryFolder(cause: FailureError): FailureError {
  const message = `The folder for temporary files, ${tmpdir()}, cannot be used: the locks on tokens are kept there.`
  const remedy = 'Make it, or set TMPDIR to a folder in which this user may write.'
  return new FailureError({ ...cause.failure, message, remedy }, { cause })
}

function heldElsewhere(error: LockHeldError, channel: ChannelDefinition): LockHeldError {
  const who = error.holder === null ? 'another Troupe process' : `another Troupe process (pid ${error.holder.pid})`
  const message = `The token of ${channel.id} is polled by ${who} on this machine already`
  return new LockHeldError({ ...error.failure, message }, error.holder)
}
