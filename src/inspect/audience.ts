// Audience: who is listening, what each of them knows, and the recent past for whoever comes next.
//   I1. The tree is looked at only while there is an audience, and for LINGER_MS after the last one left.
//   I3. Nobody is told of an actor that was not introduced to them before.
//   I4. A listener that does not keep up is let go; nothing is kept for it beyond WAITING_BYTES_MAX.

import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import type { Inspector } from './inspector.ts'
import { KNOWN_MAX, LINGER_MS, RECENT_BYTES_MAX, RECENT_MESSAGES_MAX, WAITING_BYTES_MAX } from './limits.ts'
import type { Line } from './messages.ts'
import { createRecent } from './recent.ts'

/** As much of a WebSocket as is used here. */
export interface Listener {
  /** What was sent and is not on its way yet. */
  readonly bufferedAmount: number
  send(bytes: Buffer, options: { binary: false }): void
  terminate(): void
}

export interface Audience {
  /** Shows the newcomer who is alive and what happened last, then all that happens. */
  join(listener: Listener): void
  leave(listener: Listener): void
  /** Forgets everybody at once; nothing is told afterwards. */
  end(): void
}

export interface AudienceOptions {
  readonly inspector: Inspector
  readonly world: World
  readonly log: Log
}

export function createAudience({ inspector, world, log }: AudienceOptions): Audience {
  const members = new Map<Listener, Member>()
  const recent = createRecent({ messagesMax: RECENT_MESSAGES_MAX, bytesMax: RECENT_BYTES_MAX })
  let stopListening: (() => void) | null = null
  let lingering: unknown = null

  function tell(line: Line, introductions: () => Line[]): void {
    recent.add(line)
    for (const member of members.values()) {
      if (!member.knows(line.sessionId) && line.kind !== 'actor') introductions().forEach(member.hear)
      member.hear(line)
    }
  }

  function letGo(listener: Listener): void {
    log.warn({ waitingBytes: listener.bufferedAmount }, 'a page of the inspector does not keep up and was let go')
    leave(listener)
    listener.terminate()
  }

  function leave(listener: Listener): void {
    if (!members.delete(listener) || members.size > 0) return
    lingering = world.clock.setTimeout(forget, LINGER_MS)
  }

  function forget(): void {
    stopListening?.()
    stopListening = null
    recent.clear()
  }

  return {
    join(listener) {
      world.clock.clearTimeout(lingering)
      const member = createMember(listener, () => letGo(listener))
      members.set(listener, member)
      for (const line of inspector.living()) member.hear(line)
      for (const line of recent) {
        // Of an actor that is gone, and whose introduction is forgotten, nothing can be told any more.
        if (line.kind === 'actor' || member.knows(line.sessionId)) member.hear(line)
      }
      stopListening ??= inspector.listen(tell)
    },
    leave,
    end() {
      members.clear()
      world.clock.clearTimeout(lingering)
      forget()
    },
  }
}

interface Member {
  knows(sessionId: string): boolean
  /** An introduction that was heard before is not sent again; nothing is sent any more once the listener was let go. */
  hear(line: Line): void
}

function createMember(listener: Listener, letGo: () => void): Member {
  const known = new Set<string>()
  let gone = false
  return {
    knows: (sessionId) => known.has(sessionId),
    hear({ kind, sessionId, bytes }) {
      if (gone || (kind === 'actor' && known.has(sessionId))) return
      known.add(sessionId)
      if (known.size > KNOWN_MAX) for (const oldest of known) if (known.delete(oldest)) break
      gone = listener.bufferedAmount + bytes.length > WAITING_BYTES_MAX
      if (gone) letGo()
      else listener.send(bytes, { binary: false })
    },
  }
}
