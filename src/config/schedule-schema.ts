// Schedule schema: the keys of an entry of `schedules`, what each takes and what it means.

import { agentId, text, z } from './kinds.ts'

const CONVERSATION = 'expected a conversation: on telegram a chat’s number such as 12345'
const NAME = 'expected 1 to 64 letters, digits, "_", "-" or "."'

export const SCHEDULES_EXPECTED =
  'expected a list such as [{ cron: "0 9 * * 1-5", channel: …, conversation: …, text: … }]'

export const scheduleSchema = z.strictObject({
  name: z
    .string({ error: NAME })
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: NAME })
    .optional()
    .describe('What it is called in lists and transcripts. Default: its channel and a number for what it says.'),
  cron: text('expected five fields such as "0 9 * * 1-5"').describe(
    'When: minute, hour, day of the month, month, weekday. A time that was missed is made up for once, within a day.',
  ),
  time_zone: text('expected a time zone such as Europe/Berlin')
    .optional()
    .describe("Where its hours are, for example Europe/Berlin. Default: the machine's."),
  agent: agentId.optional().describe("Who is told. Default: the channel's agent."),
  channel: text('expected the id of a channel').describe('Through which channel the answer goes.'),
  conversation: z
    .union([z.int(), text(CONVERSATION)], { error: CONVERSATION })
    .describe('Where it is said and answered: on telegram a chat’s number, or CHAT:TOPIC.'),
  text: text('expected a text').describe('What the agent is told; a command such as /new works too.'),
})

export type ScheduleKeys = z.infer<typeof scheduleSchema>
