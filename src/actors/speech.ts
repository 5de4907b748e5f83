// Speech: a file of speech, made text once and counted once for each time that it was asked for.
//   What it took is on disk before its text is kept beside it: after a crash in between it is asked for, and paid for, again.

import { assert, type Failure, FailureError } from '../../machines/failure.ts'
import { FILE_BYTES_MAX, READ_BYTES_MAX } from '../../machines/limits.ts'
import type { Attachment } from '../../machines/media.ts'
import type { Received } from '../tools/tool.ts'
import { countAtOnce, openForFile, type OfTurn } from './file-count.ts'
import type { Parts } from './parts.ts'
import { SpeechMeter } from './speech-meter.ts'

/** Where the files of one turn are worked on. */
export interface Listening {
  readonly parts: Parts
  readonly arrived: OfTurn
  readonly signal: AbortSignal
  received(): Promise<Received>
}

interface SpeechFile {
  readonly attachment: Attachment
  readonly name: string
  readonly mediaType: string
}

/** The text of speech is kept beside its file. */
export async function transcribed(listening: Listening, { attachment, name, mediaType }: SpeechFile): Promise<string> {
  const received = await listening.received()
  const beside = `${name}.txt`
  const known = await received.text(beside, READ_BYTES_MAX)
  if (known !== null) return known.text
  const bytes = await received.bytes(name, FILE_BYTES_MAX)
  if (bytes === null) throw new FailureError(NO_ROOM)
  const { parts, arrived, signal } = listening
  const { definition, key: session, turnId: turn } = arrived
  const log = parts.log.child({ session, turn, agent: definition.id })
  const { secret, world } = parts
  const transcription = await parts.buildTranscription({ definition, secret, log, world })
  const meter = speechMeter(listening, attachment.seconds)
  const heard = await transcription.transcribe({ bytes, mediaType }, { meter, signal }).catch((error: unknown) => {
    meter.cut()
    throw error
  })
  meter.heard(heard)
  const text = heard.text.trim()
  if (!signal.aborted) await countAtOnce(parts, arrived)
  if (!signal.aborted) await received.keep(beside, (take) => take(Buffer.from(text.toWellFormed())))
  return text
}

function speechMeter({ parts, arrived }: Listening, seconds: number | null): SpeechMeter {
  const { transcription } = arrived.definition
  assert(transcription !== null, 'speech is made text by what is defined')
  return openForFile(parts, arrived, (owner) => new SpeechMeter(owner, { transcription, seconds }))
}

export const NO_ROOM: Failure = {
  kind: 'permanent',
  reason: 'storage',
  message: 'it did not stay in the work folder',
  remedy: 'Send it again',
}
