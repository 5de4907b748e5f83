// Definition shapes: what of a definition leaves for an inspector.
//   A3. Nothing in which a secret could stand: credentials, addresses and people are hidden, what has names is shown by them.

import type { ChannelDefinition, GatewayDefinition, ScheduleDefinition } from '../../machines/definitions.ts'
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
    module: 'hidden',
    settings: 'hidden',
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

export const gatewayDefinition: Shape = {
  parts: {
    gateway: 'hidden',
    agents: 'names',
    channels: 'names',
    schedules: 'names',
    hooks: 'hidden',
    lacking: 'hidden',
  } satisfies Parts<GatewayDefinition>,
}
