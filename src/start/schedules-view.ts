// Schedules view: every schedule of the file as people see it: when it is due next, and what became of what it said last.

import type { ScheduleDefinition } from '../../machines/definitions.ts'
import { cronTimes } from '../config/cron.ts'
import type { ScheduleView } from '../http/port.ts'
import type { ScheduleRecord } from '../store/schedules.ts'

export interface SchedulesSeen {
  readonly schedules: Readonly<Record<string, ScheduleDefinition>>
  readonly records: readonly ScheduleRecord[]
  readonly nowMs: number
  /** Of a channel. */
  readonly agentOf: (channel: string) => string
}

/** In the order of the file. */
export function schedulesView({ schedules, records, nowMs, agentOf }: SchedulesSeen): ScheduleView[] {
  return Object.values(schedules).map((schedule) => {
    const { name, cron, timeZone, agent, channel, conversation, text } = schedule
    const nextMs = cronTimes(schedule).nextAfter(nowMs)
    const last = records.find((record) => record.name === name)?.last ?? null
    return {
      name,
      cron,
      time_zone: timeZone,
      agent: agent ?? agentOf(channel),
      channel,
      conversation,
      text,
      next: nextMs === null ? null : isoOf(nextMs),
      last:
        last === null
          ? null
          : {
              due: isoOf(last.dueAtMs),
              accepted: isoOf(last.acceptedAtMs),
              session: last.sessionKey,
              outcome: last.outcome ?? 'waiting',
            },
    }
  })
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
