// Inbox: the messages that wait for a turn of their session, and the busy modes. Pure functions over plain data.
//   S2. An inbox never exceeds its limit. (Messages of one album or one split text count once.)
//   The answer to an offer is what the sender is told: kept or refused. (A second routing of the same message is no offer.)

import type { BusyMode } from './definitions.ts'
import { isSchedule } from './due.ts'
import { GATHER_QUIET_MS } from './limits.ts'
import { type ShownFile, writtenText } from './media.ts'
import type { AcceptedMessage } from './messages.ts'
import type { Steering } from './steps.ts'

export interface InboxItem {
  readonly message: AcceptedMessage
  /** What the model is given: the text, or what stood after `/queue` or `/steer`. */
  readonly text: string
  /** The busy mode that this message asked for. */
  readonly manner: BusyMode
  /** `retry`: the last message of the history is asked again. `compact`: the history is summarised. */
  readonly task: 'answer' | 'retry' | 'compact'
  /** Files that the model is shown with it, once its attachments were read; what else they are is in the text then. */
  readonly shown?: readonly ShownFile[]
}

export type Inbox = readonly InboxItem[]

export type Offer = { readonly verdict: 'kept'; readonly inbox: Inbox } | { readonly verdict: 'refused' }

/** What a message means to the inbox; null for commands that are not for it. */
export function itemOf(message: AcceptedMessage, mode: BusyMode): InboxItem | null {
  const { command } = message
  // What a schedule says ends nobody's run, and is no part of what people say meanwhile.
  const manner = isSchedule(message.sender) ? 'queue' : mode
  if (command === null) return { message, text: message.text, manner, task: 'answer' }
  switch (command.name) {
    case 'queue':
      return { message, text: command.text, manner: 'queue', task: 'answer' }
    case 'steer':
      return { message, text: command.text, manner: 'steer', task: 'answer' }
    case 'retry':
    case 'compact':
      return { message, text: '', manner: 'queue', task: command.name }
    default:
      return null
  }
}

export interface Room {
  /** Turns that may wait. */
  readonly limit: number
  /** The first turn of the inbox is claimed and not taken yet: nothing goes ahead of it. */
  readonly claimed: boolean
}

/** Puts an item in its place: steering goes ahead of what waits and behind earlier steering. */
export function offer(inbox: Inbox, item: InboxItem, { limit, claimed }: Room): Offer {
  // Turns are never more than messages: counting them costs a walk, and is needed only near the limit.
  const mayBeFull = inbox.length >= limit && !isContinued(inbox, item)
  if (mayBeFull && turnsWaiting(inbox) >= limit) return { verdict: 'refused' }
  if (item.manner !== 'steer') return { verdict: 'kept', inbox: [...inbox, item] }
  const first = claimed ? takeTurn(inbox).turn : []
  const ahead = inbox.filter((waiting) => first.includes(waiting) || waiting.manner === 'steer')
  const behind = inbox.filter((waiting) => !ahead.includes(waiting))
  return { verdict: 'kept', inbox: [...ahead, item, ...behind] }
}

/**
 * Whether an item is a further part of a message that came before it, and so takes no room of its own: of an album, or of a
 * text whose last part came just now from the same person.
 */
export function isContinued(before: Inbox, item: InboxItem): boolean {
  const near = before.slice(-PARTS_APART_MAX)
  if (item.message.album !== null) return near.some((earlier) => joins(earlier, item))
  const last = near.findLast((earlier) => earlier.message.sender.id === item.message.sender.id)
  return last !== undefined && joins(last, item)
}

/** The next turn: the first item with all that belongs to it, and with `collect` all that waits. */
export function takeTurn(inbox: Inbox): { readonly turn: Inbox; readonly inbox: Inbox } {
  const turn: InboxItem[] = []
  const rest: InboxItem[] = []
  for (const item of inbox) (belongs(turn, item) ? turn : rest).push(item)
  return { turn, inbox: rest }
}

/**
 * Messages of one session that come back from the store, oldest first, with the turn that was at work in front: as steering it may
 * have gone ahead of older ones, and what it did is on disk.
 */
export function resumedFirst(messages: readonly AcceptedMessage[], mode: BusyMode): readonly AcceptedMessage[] {
  const first = messages.findIndex((message) => message.resumes === true)
  if (first === -1) return messages
  const parts: InboxItem[] = []
  for (const item of messages.slice(first).flatMap((message) => itemOf(message, mode) ?? []))
    if (parts.length === 0 || isContinued(parts, item)) parts.push(item)
  const resumed = parts.map(({ message }) => message)
  return [...resumed, ...messages.filter((message) => !resumed.includes(message))]
}

/** What a run that is going on may be given now, and what stays. */
export function takeSteering(inbox: Inbox): { readonly given: readonly Steering[]; readonly inbox: Inbox } {
  // What begins a turn that was at work before goes on as that turn: its steps are on disk.
  // What has files is a turn of its own: they are read before it begins.
  const steers = inbox.filter(
    ({ manner, message }) => manner === 'steer' && message.resumes !== true && message.attachments.length === 0,
  )
  return {
    given: turnTexts(steers).map(({ item, text, seqs }) => ({
      seqs,
      text,
      sender: item.message.sender,
      kind: item.message.kind,
    })),
    inbox: inbox.filter((item) => !steers.includes(item)),
  }
}

/** How many turns an inbox would make if each were its own. */
export function turnsWaiting(inbox: Inbox): number {
  return inbox.filter((item, index) => !isContinued(inbox.slice(Math.max(0, index - PARTS_APART_MAX), index), item))
    .length
}

/** Parts of one message stand this close together: an album has ten at most. */
const PARTS_APART_MAX = 10

/** Whether more of the same message may still be on its way. */
export function mayGrow(inbox: Inbox): boolean {
  const last = takeTurn(inbox).turn.at(-1)
  return last !== undefined && (last.message.album !== null || last.message.continues)
}

/** Photos and documents never interrupt. */
export function interrupts(item: InboxItem): boolean {
  return item.manner === 'interrupt' && item.message.attachments.length === 0
}

/** Whether `next` is a further part of the message that `earlier` began: an album, or a text that the client split. */
function joins(earlier: InboxItem, next: InboxItem): boolean {
  const [a, b] = [earlier.message, next.message]
  if (a.sender.id !== b.sender.id || earlier.manner !== next.manner) return false
  if (earlier.task !== 'answer' || next.task !== 'answer') return false
  if (a.album !== null) return a.album === b.album
  return a.continues && b.album === null && b.command === null && b.acceptedAtMs - a.acceptedAtMs <= 2 * GATHER_QUIET_MS
}

/** The texts of a turn, parts of one message joined again, in the order of their arrival. */
export function turnTexts(turn: Inbox): TurnText[] {
  const texts: (TurnText & { readonly last: InboxItem })[] = []
  for (const item of turn) {
    const begun = texts.findIndex((text) => joins(text.last, item))
    const before = texts[begun]
    const { seq } = item.message
    const shown = item.shown ?? []
    if (before === undefined) texts.push({ item, last: item, text: textOf(item), shown, seqs: [seq] })
    else {
      const joined = { text: joinText(before.text, item), shown: [...before.shown, ...shown] }
      texts[begun] = { ...before, ...joined, last: item, seqs: [...before.seqs, seq] }
    }
  }
  return texts.map(({ item, text, shown, seqs }) => ({ item, text, shown, seqs }))
}

export interface TurnText {
  /** The first part. */
  readonly item: InboxItem
  readonly text: string
  readonly shown: readonly ShownFile[]
  /** All parts. */
  readonly seqs: readonly number[]
}

function belongs(turn: readonly InboxItem[], item: InboxItem): boolean {
  const first = turn[0]
  if (first === undefined) return true
  return (first.manner === 'collect' && item.manner === 'collect') || isContinued(turn, item)
}

function joinText(text: string, item: InboxItem): string {
  if (item.message.album === null) return text + textOf(item)
  return [text, textOf(item)].filter((part) => part !== '').join('\n')
}

/** Of attachments that nobody has read, for want of a preparation, it says what they are. */
function textOf({ text, shown, message }: InboxItem): string {
  if (shown !== undefined) return text
  return writtenText({ text, attachments: message.attachments })
}
