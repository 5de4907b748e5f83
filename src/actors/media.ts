// Media: what came with a turn, before its run: each file is fetched once into the session's work folder, and made text or shown.
//   A file that is there, and the text of speech or of a picture beside it, are not made again: after a crash the turn goes on with them.
//   What cannot be read in time, or at all, holds up nothing: the turn goes on without it, and its sender is told.
//   S6. When the preparation is ended, downloads and requests are closed, and nothing of them is kept.

import type { AgentDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError, failureOf } from '../../machines/failure.ts'
import type { Inbox } from '../../machines/inbox.ts'
import { BACKOFF_MS_MIN, FILE_BYTES_MAX, MEDIA_MS_MAX, READ_BYTES_MAX } from '../../machines/limits.ts'
import {
  type Attachment,
  fileName,
  isOnlyTold,
  notText,
  RECEIVED,
  refusedUnseen,
  type Senses,
  speechType,
  treatmentOf,
  typeOfBytes,
  unreadable,
} from '../../machines/media.ts'
import {
  attachmentsOf,
  type ReadAttachment,
  type Reading,
  type ReadTurn,
  tooMany,
  withReadings,
  wordsWith,
} from '../../machines/readings.ts'
import { sensesOf } from '../../machines/senses.ts'
import type { Adapter } from '../channels/adapter.ts'
import type { Received } from '../tools/tool.ts'
import { described } from './describe.ts'
import type { Parts } from './parts.ts'
import { NO_ROOM, transcribed } from './speech.ts'

export interface Arrived {
  readonly key: string
  readonly channel: string
  readonly turnId: string
  /** Without what was given up. */
  readonly turn: Inbox
  readonly definition: AgentDefinition
}

export async function readMedia(parts: Parts, arrived: Arrived, signal: AbortSignal): Promise<ReadTurn> {
  const attachments = attachmentsOf(arrived.turn)
  if (attachments.length === 0) return { turn: arrived.turn, notices: [], failure: null }
  signal.throwIfAborted()
  const files = openTurnFiles(parts, arrived, signal)
  try {
    const readings = new Map<number, ReadAttachment[]>(attachments.map(({ item }) => [item.message.seq, []]))
    const all = attachments.map(async ({ item, index, isOver }) => {
      const { message } = item
      const attachment = message.attachments[index]
      if (attachment === undefined) throw new Error('each stands in its message')
      const words = wordsWith(arrived.turn, item)
      return {
        seq: message.seq,
        one: await readOne(files, { attachment, name: fileName({ message, index }), words, isOver }),
      }
    })
    for (const { seq, one } of await Promise.all(all)) readings.get(seq)?.push(one)
    return withReadings(arrived.turn, readings, files.senses)
  } finally {
    files.close()
  }
}

/** Where the files of one turn are worked on. */
interface TurnFiles {
  readonly parts: Parts
  readonly arrived: Arrived
  readonly senses: Senses
  /** Aborts with the preparation, and when the time for files is up. */
  readonly signal: AbortSignal
  /** Rejects then, in words; what is late is not waited for. */
  readonly ended: Promise<never>
  /** Opened for the first file. */
  received(): Promise<Received>
  close(): void
}

function openTurnFiles(parts: Parts, arrived: Arrived, outer: AbortSignal): TurnFiles {
  const { clock } = parts.world
  const closing = new AbortController()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  // Whoever is at work hears of it; when nobody is, it is not unhandled for that.
  ended.catch(() => {})
  const timer = clock.setTimeout(() => end(LATE), MEDIA_MS_MAX)
  const stop = (): void => end(STOPPED)
  const close = (): void => {
    clock.clearTimeout(timer)
    outer.removeEventListener('abort', stop)
    closing.abort()
  }
  const end = (failure: Failure): void => {
    reject(new FailureError(failure))
    close()
  }
  if (outer.aborted) stop()
  else outer.addEventListener('abort', stop, { once: true })
  let opening: Promise<Received> | null = null
  return {
    parts,
    arrived,
    senses: sensesOf(arrived.definition),
    signal: closing.signal,
    ended,
    received() {
      const { key: session, turnId: turn, definition } = arrived
      opening ??= parts.openReceived({
        definition,
        session,
        turn,
        data: parts.definition.gateway.data,
        world: parts.world,
      })
      return opening
    },
    close,
  }
}

interface NamedAttachment {
  readonly attachment: Attachment
  readonly name: string
  /** What was written with it. */
  readonly words: string
  readonly isOver: boolean
}

async function readOne(files: TurnFiles, named: NamedAttachment): Promise<ReadAttachment> {
  const { attachment, name, isOver } = named
  const path = `${RECEIVED}/${name}`
  const without = (reading: Reading): ReadAttachment => ({ attachment, path: null, reading })
  if (isOnlyTold(attachment, files.senses)) return without({ outcome: 'told' })
  const refused = isOver ? tooMany(attachment) : refusedUnseen(attachment, files.senses)
  if (refused !== null) return without({ outcome: 'failed', failure: refused })
  const { key: session, turnId: turn } = files.arrived
  try {
    const reading = files.parts.folderUses.during({ session, turn }, readFile(files, named))
    return { attachment, path, reading: await Promise.race([reading, files.ended]) }
  } catch (error) {
    // Ended with its preparation; what becomes of it is asked by nobody.
    if (failureOf(error).reason === 'cancelled') throw error
    files.parts.log.warn({ session, kind: attachment.kind, err: error }, 'an attachment was not read')
    const { message, remedy } = failureOf(error)
    return without({ outcome: 'failed', failure: unreadable(attachment, message, remedy) })
  }
}

async function readFile(files: TurnFiles, { attachment, name, words }: NamedAttachment): Promise<Reading> {
  const { parts, arrived, senses, signal } = files
  const received = await files.received()
  const file = (await received.look(name)) ?? (await fetched(files, attachment, name))
  const found = { bytes: file.bytes, mediaType: typeOfBytes(file.head) }
  const treatment = treatmentOf(attachment, found, senses)
  if (typeof treatment !== 'string') return { outcome: 'failed', failure: treatment }
  switch (treatment) {
    case 'transcribe': {
      const text = await transcribed(files, { attachment, name, mediaType: speechType(attachment, found) })
      return text === ''
        ? failed(attachment, 'nothing was heard in it')
        : { outcome: 'transcribed', text, isWhole: true }
    }
    case 'show':
      return {
        outcome: 'shown',
        file: { path: `${RECEIVED}/${name}`, mediaType: found.mediaType ?? '', bytes: found.bytes },
      }
    case 'describe': {
      const picture = { name, mediaType: found.mediaType ?? '', words }
      return {
        outcome: 'described',
        text: await described({ parts, arrived, signal, received }, picture),
        isWhole: true,
      }
    }
    case 'read': {
      const text = await received.text(name, READ_BYTES_MAX)
      if (text !== null) return { outcome: 'read', ...text }
      const instead = notText(attachment, senses)
      return instead === 'keep' ? { outcome: 'kept' } : { outcome: 'failed', failure: instead }
    }
    case 'keep':
    case 'tell':
      return { outcome: 'kept' }
  }
}

function failed(attachment: Attachment, why: string): Reading {
  return { outcome: 'failed', failure: unreadable(attachment, why) }
}

/** A platform that is away for a moment is asked once more. */
async function fetched(files: TurnFiles, attachment: Attachment, name: string) {
  const received = await files.received()
  try {
    await fetchInto(files, received, { attachment, name })
  } catch (error) {
    const { kind, retryAfterMs = BACKOFF_MS_MIN } = failureOf(error)
    if (kind !== 'retryable' || files.signal.aborted) throw error
    await pause(files, retryAfterMs)
    await fetchInto(files, received, { attachment, name })
  }
  const file = await received.look(name)
  if (file === null) throw new FailureError(NO_ROOM)
  return file
}

async function fetchInto(
  files: TurnFiles,
  received: Received,
  { attachment, name }: { attachment: Attachment; name: string },
): Promise<void> {
  const { signal, ended } = files
  const adapter = await adapterOf(files)
  // A platform that does not hear its signal keeps no file open.
  await received.keep(name, (take) =>
    Promise.race([
      adapter.fetch(attachment, { bytesMax: FILE_BYTES_MAX, withinMs: MEDIA_MS_MAX, signal, take }),
      ended,
    ]),
  )
}

/** After a restart messages come back before their channel has its connection. */
async function adapterOf(files: TurnFiles): Promise<Adapter> {
  const { parts, arrived, signal } = files
  for (;;) {
    const adapter = parts.adapters.get(arrived.channel)
    if (adapter !== undefined) return adapter
    if (signal.aborted) throw new FailureError(AWAY)
    await pause(files, ADAPTER_MS)
  }
}

/** Nobody notices so short a wait. */
const ADAPTER_MS = 100

function pause({ parts, signal }: TurnFiles, ms: number): Promise<void> {
  const { clock } = parts.world
  return new Promise((resolve) => {
    const go = (): void => {
      clock.clearTimeout(timer)
      resolve()
    }
    const timer = clock.setTimeout(go, Math.min(ms, MEDIA_MS_MAX))
    signal.addEventListener('abort', go, { once: true })
  })
}

const LATE: Failure = {
  kind: 'retryable',
  reason: 'timeout',
  message: `it was not there within ${MEDIA_MS_MAX / 1_000} seconds`,
  remedy: 'Send it again',
}

const STOPPED: Failure = { kind: 'permanent', reason: 'cancelled', message: 'it was ended' }

const AWAY: Failure = {
  kind: 'permanent',
  reason: 'unavailable',
  message: 'its channel has no connection',
  remedy: 'Send it again',
}
