// Shown: the files that a model is shown in one answer, read from the work folder: those of the turn, and those of the newest
// earlier turn that had any, while it is near (machines/history.ts says how near).
//   A file that is not there any more is not shown; what it was stands in the text.

import { shownAgain } from '../../machines/history.ts'
import { SHOWN_BYTES_MAX, SHOWN_FILE_BYTES_MAX } from '../../machines/limits.ts'
import { RECEIVED, type ShownFile } from '../../machines/media.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import type { RunInput, RunMessage } from '../../machines/run-words.ts'
import { sensesOf } from '../../machines/senses.ts'
import type { Shown, TurnMessage } from '../agents/agent.ts'
import type { Received } from '../tools/tool.ts'
import type { Parts } from './parts.ts'

export interface ShownInRun {
  readonly messages: readonly TurnMessage[]
  readonly ofEntry: ReadonlyMap<TranscriptEntry, readonly Shown[]>
}

export async function shownIn(parts: Parts, run: RunInput): Promise<ShownInRun> {
  const { sees } = sensesOf(run.definition)
  const again = shownAgain(run)
  const isNothing = again.length === 0 && run.messages.every(({ shown }) => shown === undefined)
  if (isNothing) return { messages: run.messages.map(withoutFiles), ofEntry: new Map() }
  const { definition, session, turn } = run
  const received = await parts.openReceived({
    definition,
    session,
    turn,
    data: parts.definition.gateway.data,
    world: parts.world,
  })
  const reader = { received, sees, bytesLeft: SHOWN_BYTES_MAX }
  const messages: TurnMessage[] = []
  for (const { shown = [], ...message } of run.messages) messages.push({ ...message, shown: await read(reader, shown) })
  const ofEntry = new Map<TranscriptEntry, readonly Shown[]>()
  for (const entry of again) ofEntry.set(entry, await read(reader, entry.shown ?? []))
  return { messages, ofEntry }
}

interface Reader {
  readonly received: Received
  readonly sees: (mediaType: string) => boolean
  bytesLeft: number
}

async function read(reader: Reader, files: readonly ShownFile[]): Promise<Shown[]> {
  const shown: Shown[] = []
  for (const { path, mediaType } of files) {
    if (!reader.sees(mediaType)) continue
    const name = path.slice(RECEIVED.length + 1)
    const bytes = await reader.received.bytes(name, Math.min(SHOWN_FILE_BYTES_MAX, reader.bytesLeft))
    if (bytes === null) continue
    reader.bytesLeft -= bytes.length
    shown.push({ mediaType, bytes })
  }
  return shown
}

/** For a model that is shown nothing. */
export function withoutFiles({ text, sender, kind }: RunMessage): Omit<RunMessage, 'shown'> {
  return { text, sender, kind }
}
