// Schedules: `troupe schedules list`, what agents are told at times of their own: when next, and what became of the last time.

import type { ScheduleView } from '../start.ts'
import { type Command, CONFIG, DATA, type Invocation, JSON_OUTPUT } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { withRecords } from './reach.ts'
import { columns, plainLine } from './terminal.ts'

export const schedulesListCommand: Command = {
  name: 'schedules list',
  summary: 'what agents are told at times of their own: when next, and what became of the last time',
  options: [CONFIG, DATA, JSON_OUTPUT],
  examples: ['troupe schedules list', 'troupe schedules list --json'],
  run: list,
}

const CELL_UNITS_MAX = 60

const HEAD = ['SCHEDULE', 'TIMES', 'AGENT', 'CONVERSATION', 'NEXT', 'LAST', 'OUTCOME']

function list(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  return withRecords(invocation, async (records) => {
    const schedules = await records.schedules()
    if (invocation.options.given('json')) terminal.out(JSON.stringify({ schedules }, null, 2))
    else if (schedules.length === 0) terminal.out('There are no schedules in the file.')
    else for (const line of columns([HEAD, ...schedules.map(cells)])) terminal.out(line)
    return EXIT.fine
  })
}

function cells({ name, cron, time_zone, agent, channel, conversation, next, last }: ScheduleView): string[] {
  return [
    name,
    `${cron} ${time_zone}`,
    agent,
    plainLine(`${channel}/${conversation}`, CELL_UNITS_MAX),
    next ?? 'never',
    last?.due ?? '-',
    last?.outcome ?? '-',
  ]
}
