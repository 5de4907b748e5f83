// Definition shapes: how the definitions of a channel and of a schedule are shown: by what they are called, and not by what they hold.
//   A3. No reference to a secret, no person and no address of theirs leaves.

import type { ChannelDefinition, ScheduleDefinition } from '../../machines/definitions.ts'
import type { Shape } from './shape.ts'
import type { Parts } from './shapes.ts'

export const channelDefinition: Shape = {
  parts: {
    id: 'word',
    platform: 'word',
    routes: { parts: { default: 'word', dm: 'word', group: 'word' } },
    allowedUsers: 'hidden',
    unknownUserPolicy: 'word',
    groupPolicy: 'word',
    sessionScope: 'word',
    busyMode: 'word',
    queueLimit: 'word',
    partialAnswers: 'word',
    reset: { parts: { idleMs: 'word', daily: { parts: { atHour: 'word', timeZone: 'word' } } } },
    token: 'hidden',
    apiRoot: 'hidden',
    lacking: 'hidden',
    missing: 'hidden',
  } satisfies Parts<ChannelDefinition>,
}

export const scheduleDefinition: Shape = {
  parts: {
    name: 'word',
    cron: 'word',
    timeZone: 'word',
    agent: 'word',
    channel: 'word',
    conversation: 'word',
    text: 'text',
  } satisfies Parts<ScheduleDefinition>,
}
