// Describe: a picture of the work folder made text by the model that its agent names for it. The text is kept beside the picture: a
// crash or another try asks nobody again. What it took is on disk before that, whatever becomes of the turn: after a crash in between the
// model is asked, and paid, again.
//   S6. Of a preparation that was ended nothing is kept; what was taken until then is counted with the end of it.

import { type Failure, FailureError } from '../../machines/failure.ts'
import { textTokens } from '../../machines/history.ts'
import { READ_BYTES_MAX, SHOWN_FILE_BYTES_MAX, SHOWN_FILE_TOKENS } from '../../machines/limits.ts'
import type { Received } from '../tools/tool.ts'
import { AnswerMeter } from './answer-meter.ts'
import { countAtOnce, type OfTurn, openForFile } from './file-count.ts'
import type { Parts } from './parts.ts'

/** For whom, and where its pictures are. */
export interface Describing {
  readonly parts: Parts
  readonly arrived: OfTurn
  readonly received: Received
  readonly signal: AbortSignal
}

interface Picture {
  /** Of its file. */
  readonly name: string
  readonly mediaType: string
  /** What was written with it. */
  readonly words: string
}

export async function described(describing: Describing, { name, mediaType, words }: Picture): Promise<string> {
  const { parts, arrived, received, signal } = describing
  const beside = `${name}.txt`
  const known = await received.text(beside, READ_BYTES_MAX)
  if (known !== null) return known.text
  const bytes = await received.bytes(name, SHOWN_FILE_BYTES_MAX)
  if (bytes === null) throw new FailureError(GONE)
  const { definition, key: session, turnId: turn } = arrived
  const { secret, world } = parts
  const log = parts.log.child({ session, turn, agent: definition.id })
  const description = await parts.buildDescription({ definition, secret, log, world })
  signal.throwIfAborted()
  const asked = (): number => TASK_TOKENS + SHOWN_FILE_TOKENS + textTokens(words)
  const meter = openForFile(parts, arrived, (owner) => new AnswerMeter(owner, asked))
  try {
    const thought = await description.describe({ bytes, mediaType, words }, { meter, signal })
    const { model, spent } = meter.answered(thought, definition.model)
    signal.throwIfAborted()
    const text = thought.text.trim().toWellFormed()
    log.debug({ model, spent }, 'a picture was described')
    await countAtOnce(parts, arrived)
    signal.throwIfAborted()
    await received.keep(beside, (take) => take(Buffer.from(text)))
    return text
  } catch (error) {
    meter.cut()
    throw error
  }
}

/** About what a describer is told of its task, besides a picture and the words that came with it. */
const TASK_TOKENS = 250

const GONE: Failure = {
  kind: 'permanent',
  reason: 'storage',
  message: 'it did not stay in the work folder',
  remedy: 'Send it again',
}
