// Readings: what became of a turn's attachments, as what the model is told and shown and as what the sender is told. Pure.
//   A turn goes on with what could be read; with nothing at all it ends, and its sender is told why.
//   Every text and everything shown has a bound for the turn as a whole.

import { type Failure, sayable } from './failure.ts'
import type { Inbox, InboxItem } from './inbox.ts'
import { FILES_MAX, READ_UNITS_MAX, WORDS_UNITS_MAX } from './limits.ts'
import { type Attachment, fitsRequest, labelOf, type Senses, type ShownFile, unreadable, unreadText } from './media.ts'

/** What became of one attachment. */
export type Reading =
  /** There is no file, or nobody looks at it; what it is is told. */
  | { readonly outcome: 'told' }
  | { readonly outcome: 'transcribed'; readonly text: string; readonly isWhole: boolean }
  | { readonly outcome: 'described'; readonly text: string; readonly isWhole: boolean }
  | { readonly outcome: 'read'; readonly text: string; readonly isWhole: boolean }
  | { readonly outcome: 'shown'; readonly file: ShownFile }
  /** The agent's tools can open it. */
  | { readonly outcome: 'kept' }
  | { readonly outcome: 'failed'; readonly failure: Failure }

export interface ReadAttachment {
  readonly attachment: Attachment
  /** Relative to the work folder; null: no file is there. */
  readonly path: string | null
  readonly reading: Reading
}

export interface ReadTurn {
  readonly turn: Inbox
  /** What could not be read, for whoever sent it. */
  readonly notices: readonly string[]
  /** There is nothing to answer. */
  readonly failure: Failure | null
}

/** The attachments of a turn in their order, each with its message; `isOver`: there are more than a turn may have. */
export function attachmentsOf(turn: Inbox): readonly { item: InboxItem; index: number; isOver: boolean }[] {
  // Commands about an earlier turn ask nothing of their own.
  const asking = turn.filter(({ task }) => task === 'answer')
  const all = asking.flatMap((item) => item.message.attachments.map((_, index) => ({ item, index })))
  let files = 0
  return all.map((one) => {
    if (one.item.message.attachments[one.index]?.reference != null) files += 1
    return { ...one, isOver: files > FILES_MAX }
  })
}

/** What was written with a file: in its own message, or else by its sender in that turn. Of an album one picture has the words. */
export function wordsWith(turn: Inbox, { message, text }: InboxItem): string {
  const others = turn.filter((item) => item.task === 'answer' && item.message.sender.id === message.sender.id)
  const words = text.trim() === '' ? others.map((item) => item.text).join('\n') : text
  return words.trim().slice(0, WORDS_UNITS_MAX).toWellFormed()
}

export function tooMany(attachment: Attachment): Failure {
  return unreadable(attachment, `a turn has at most ${FILES_MAX} files`, 'Send it by itself')
}

/** `readings` has those of each message, by its sequence number. */
export function withReadings(
  turn: Inbox,
  readings: ReadonlyMap<number, readonly ReadAttachment[]>,
  senses: Senses,
): ReadTurn {
  const isSilent = turn.every(({ text }) => text.trim() === '')
  const used: Used = { isSilent, units: 0, shown: [], failures: [] }
  const read = turn.map((item): InboxItem => {
    const ofItem = readings.get(item.message.seq)
    if (ofItem === undefined) return item
    const before = used.shown.length
    const texts = ofItem.map((one) => toldText(one, senses, used))
    const text = [item.text, ...texts].filter((part) => part.trim() !== '').join('\n')
    return { ...item, text, shown: used.shown.slice(before) }
  })
  const { failures } = used
  const isNothing = failures.length > 0 && failures.length === [...readings.values()].flat().length
  const notices = [...new Set(failures.map((one) => sentence(sayable(one))))]
  return { turn: read, notices, failure: isNothing && isSilent ? together(failures) : null }
}

/** What has been used of the turn's bounds. */
interface Used {
  /** Nothing was written. */
  readonly isSilent: boolean
  units: number
  readonly shown: ShownFile[]
  readonly failures: Failure[]
}

function toldText({ attachment, path, reading }: ReadAttachment, { opens }: Senses, used: Used): string {
  const label = labelOf(attachment)
  const place = opens && path !== null ? `: ${path}` : ''
  switch (reading.outcome) {
    case 'told':
      // What nobody looks at need not be said beside words.
      return used.isSilent || attachment.reference === null ? unreadText(attachment) : ''
    case 'kept':
      return `[${label}${place}]`
    case 'transcribed':
      return `[${label}] ${bounded(reading, used, place).text}`
    case 'described':
      return `[${label}${place}; another model’s description of it, and not the sender’s words:]\n${quoted(bounded(reading, used, place).text)}`
    case 'read': {
      const { text, isWhole } = bounded(reading, used, place)
      return `[${label}]\n${text}${isWhole ? `\n[end of the document]` : ''}`
    }
    case 'shown': {
      if (!fitsRequest(used.shown, reading.file)) {
        used.failures.push(unreadable(attachment, 'the files of this turn are too large together', 'Send it by itself'))
        return `[${label}, not shown${place}]`
      }
      used.shown.push(reading.file)
      return `[${label}${place}]`
    }
    case 'failed':
      used.failures.push(reading.failure)
      return `[${label}, could not be read]`
  }
}

/** A mark at each line: whatever a picture says, and whatever is said of it, cannot look like what follows it. */
function quoted(text: string): string {
  return text
    .split(LINE_ENDS)
    .map((line) => `> ${line}`)
    .join('\n')
}

const LINE_ENDS = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/

/** As much of a text as the turn has room for. */
function bounded({ text, isWhole }: { text: string; isWhole: boolean }, used: Used, place: string) {
  const room = Math.max(0, READ_UNITS_MAX - used.units)
  const cut = text.slice(0, room).toWellFormed()
  used.units += cut.length
  if (isWhole && cut.length === text.length) return { text: cut, isWhole }
  return {
    text: `${cut}\n[cut here; the rest was not read${place === '' ? '' : `. The whole file is${place.slice(1)}`}]`,
    isWhole: false,
  }
}

function together(failures: readonly Failure[]): Failure | null {
  const [first] = failures
  if (first === undefined || failures.length === 1) return first ?? null
  const { kind, reason } = first
  const sentences = [...new Set(failures.map((one) => sentence(sayable(one))))]
  return sentences.length === 1 ? first : { kind, reason, message: sentences.join('\n') }
}

function sentence(text: string): string {
  const begun = `${text.charAt(0).toUpperCase()}${text.slice(1)}`
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
