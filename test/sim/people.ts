// People: what they write, as the platforms hand it over. Each text carries the mark of its step, so that it is known again
// wherever it turns up.

import { ATTACHED } from '../support/messages.ts'
import type { Inbound } from '../../machines/messages.ts'
import type { Step, What } from './steps.ts'

interface Room {
  readonly channel: string
  readonly conversation: string
  readonly group: boolean
  /** The approval that a word about one names. */
  readonly approval: string
}

export function inboundOf(
  step: Extract<Step, { do: 'say' }>,
  { channel, conversation, group, approval }: Room,
): Inbound {
  const { id, what } = step
  const sender = group ? String(step.from + 1) : '1'
  const mark = `t${id}.`
  return {
    channel,
    conversation,
    platformMessageId: `m${id}`,
    kind: group ? 'group' : 'dm',
    sender: { id: sender, name: null, handle: null },
    text: textOf(what, mark, approval),
    addressed: true,
    // Few albums at a time, so that parts of one meet parts of the other.
    album: what === 'album' ? `al${Math.floor(id / 12)}` : null,
    attachments: what === 'album' || what === 'photo' ? ATTACHED : [],
    continues: what === 'split',
  }
}

function textOf(what: What, mark: string, approval: string): string {
  switch (what) {
    case 'plain':
    case 'photo':
    case 'album':
    case 'split':
    case 'splitEnd':
      return mark
    case 'poison':
      return `${mark} poison`
    case 'queue':
    case 'steer':
      return `/${what} ${mark}`
    case 'bare':
      return '/queue'
    case 'approveNamed':
    case 'approveStale':
    case 'approveWrong':
      return `/approve ${approval}`
    case 'denyNamed':
      return `/deny ${approval}`
    case 'unknown':
      return `/frobnicate ${mark}`
    default:
      return `/${what}`
  }
}
