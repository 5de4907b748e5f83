// Telegram parts: in a group, a message that its client sent in parts is addressed as a whole. Pure but for what it remembers.
//   Of an album, and of a text beyond 4,096 units, each part is a message of its own, and only one of them has the mention or is
//   the reply. Parts of an album that came before that one are given once more with it, in their order.
//   M2. It remembers the newest ALBUMS_MAX albums and TEXTS_MAX texts; a part of an older one is taken as it stands.

import { GATHER_QUIET_MS } from '../../machines/limits.ts'
import type { Inbound } from '../../machines/messages.ts'

const ALBUMS_MAX = 64
const TEXTS_MAX = 256

/** The most that Telegram puts into one album. */
const ALBUM_PARTS_MAX = 10

/** As the inbox waits for the next part of a text. */
const NEXT_PART_MS_MAX = 2 * GATHER_QUIET_MS

interface Album {
  isAddressed: boolean
  /** Parts that came before it was; empty from then on. */
  before: readonly Inbound[]
}

/** Gives what is to be handed over for a message that arrived now: the message, and what it brings along. */
export function createParts(): (message: Inbound, nowMs: number) => readonly Inbound[] {
  const albums = new Map<string, Album>()
  /** By place and person: until when a next part is one of an addressed text. */
  const texts = new Map<string, number>()

  function ofAlbum(message: Inbound): readonly Inbound[] {
    const key = `${message.conversation} ${message.album}`
    const album = albums.get(key) ?? { isAddressed: false, before: [] }
    remember(albums, { key, value: album }, ALBUMS_MAX)
    if (album.isAddressed) return [addressed(message)]
    if (!message.addressed) {
      album.before = [...album.before, message].slice(-ALBUM_PARTS_MAX)
      return [message]
    }
    const parts = [...album.before, message].map(addressed)
    Object.assign(album, { isAddressed: true, before: [] })
    return parts
  }

  function ofText(message: Inbound, nowMs: number): Inbound {
    const key = `${message.conversation} ${message.sender.id}`
    const isAddressed = message.addressed || nowMs <= (texts.get(key) ?? Number.NEGATIVE_INFINITY)
    texts.delete(key)
    if (!isAddressed) return message
    if (message.continues) remember(texts, { key, value: nowMs + NEXT_PART_MS_MAX }, TEXTS_MAX)
    return addressed(message)
  }

  return (message, nowMs) => {
    if (message.kind === 'dm') return [message]
    return message.album === null ? [ofText(message, nowMs)] : ofAlbum(message)
  }
}

function addressed(message: Inbound): Inbound {
  return { ...message, addressed: true }
}

/** A map keeps the order in which its keys came: the first is the oldest. */
function remember<V>(map: Map<string, V>, { key, value }: { key: string; value: V }, most: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
