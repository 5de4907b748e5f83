// Due: when a schedule's text is to be said, and as which message. Pure functions; the times themselves come from whoever reads
// cron patterns.
//   A time is due once: its message has an id made of schedule and time, and what is on record is never due again.
//   Times that were missed are made up for by the newest of them alone, and only within SCHEDULE_MISSED_MS_MAX.

import { parseCommand } from './commands.ts'
import type { ChannelDefinition, ScheduleDefinition } from './definitions.ts'
import { SCHEDULE_MISSED_MS_MAX, SCHEDULE_SLEEP_MS_MAX } from './limits.ts'
import type { Command, Inbound, Sender } from './messages.ts'
import { sessionKey } from './session-key.ts'

/** What a schedule does next. */
export interface Plan {
  /** Said now; null: nothing is due. */
  readonly dueAtMs: number | null
  /** Missed too long ago: it is not said, and never looked at again. */
  readonly passedAtMs: number | null
  /** Until the next look at the clock. */
  readonly sleepMs: number
}

export interface Moment {
  readonly nowMs: number
  /** Up to here everything was said, or came before the schedule. */
  readonly afterMs: number
  /** The newest time that is not later than now; null: there is none. */
  readonly newestMs: number | null
  /** The first time that is later than now; null: there is none. */
  readonly nextMs: number | null
}

export function planOf({ nowMs, afterMs, newestMs, nextMs }: Moment): Plan {
  const waitMs = nextMs === null ? SCHEDULE_SLEEP_MS_MAX : nextMs - nowMs
  const sleepMs = Math.max(1, Math.min(waitMs, SCHEDULE_SLEEP_MS_MAX))
  if (newestMs === null || newestMs <= afterMs) return { dueAtMs: null, passedAtMs: null, sleepMs }
  const isPast = nowMs - newestMs > SCHEDULE_MISSED_MS_MAX
  return isPast ? { dueAtMs: null, passedAtMs: newestMs, sleepMs } : { dueAtMs: newestMs, passedAtMs: null, sleepMs }
}

/** What makes its times: another one of these is another schedule, and has no past. */
export function timesOf({ cron, timeZone }: ScheduleDefinition): string {
  return `${cron} ${timeZone}`
}

export interface DueMessage extends Inbound {
  readonly sessionKey: string
  readonly agent: string
  readonly command: Command | null
}

/** A message like any other. It is none of a group's, whose answers point at the message that they answer: nobody sees this one. */
export function dueMessage(schedule: ScheduleDefinition, channel: ChannelDefinition, dueAtMs: number): DueMessage {
  const { name, agent, conversation, text } = schedule
  const parsed = parseCommand(text, null)
  const inbound: Inbound = {
    channel: channel.id,
    conversation,
    platformMessageId: `${SCHEDULE_PREFIX}${name}:${dueAtMs}`,
    kind: 'dm',
    sender: { id: `${SCHEDULE_PREFIX}${name}`, name: null, handle: null },
    text,
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  }
  return {
    ...inbound,
    sessionKey: sessionKey(channel, inbound),
    agent: agent ?? channel.routes.default,
    command: parsed === null || parsed === 'theirs' ? null : parsed.ours,
  }
}

/** Whether a schedule says it, and no person: it waits for its turn, whatever the channel does with people's messages. */
export function isSchedule({ id }: Pick<Sender, 'id'>): boolean {
  return id.startsWith(SCHEDULE_PREFIX)
}

/** Before its name, in what it is called as a sender. */
export const SCHEDULE_PREFIX = 'schedule:'
