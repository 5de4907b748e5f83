// Usage: `troupe usage`, tokens and cost by agent and by person.

import { costText } from '../../machines/usage.ts'
import type { UsagePeriods, UsageTotalsView } from '../start.ts'
import { type Command, CONFIG, DATA, type Invocation, JSON_OUTPUT, ROWS } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { withRecords } from './reach.ts'
import { ROWS_USUAL } from './sessions.ts'
import { columns, plainLine } from './terminal.ts'

export const usageCommand: Command = {
  name: 'usage',
  summary: 'tokens and cost by agent and by person, today (UTC) and in 30 days',
  options: [CONFIG, DATA, ROWS, JSON_OUTPUT],
  examples: ['troupe usage', 'troupe usage --limit 10 --json'],
  run: show,
}

const NAME_UNITS_MAX = 60

/** `ESTIMATED`: so many of the tokens before it no provider told. `SPEECH`: seconds of it that were made text. */
const OF_PERIOD = ['IN', 'OUT', 'ESTIMATED', 'SPEECH', 'COST']
const HEAD = ['RUNS TODAY', ...OF_PERIOD, 'RUNS 30 DAYS', ...OF_PERIOD]

function show(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  return withRecords(invocation, async (records) => {
    const { agents, users } = await records.usage(invocation.options.number('limit') ?? ROWS_USUAL)
    if (invocation.options.given('json')) terminal.out(JSON.stringify({ agents, users }, null, 2))
    else if (agents.length === 0) terminal.out('Nothing was used in the last 30 days.')
    else {
      const ofAgents = agents.map((row) => [row.agent, ...cells(row)])
      const ofUsers = users.map((row) => [row.agent, plainLine(row.user, NAME_UNITS_MAX), ...cells(row)])
      for (const line of columns([['AGENT', ...HEAD], ...ofAgents])) terminal.out(line)
      terminal.out('')
      for (const line of columns([['AGENT', 'PERSON', ...HEAD], ...ofUsers])) terminal.out(line)
    }
    return EXIT.fine
  })
}

function cells({ today, last_30_days }: UsagePeriods): string[] {
  return [today, last_30_days].flatMap(({ estimated, speech_seconds, cost, ...all }: UsageTotalsView) => [
    ...[all.runs, all.input_tokens, all.output_tokens, estimated.input_tokens + estimated.output_tokens].map(String),
    String(speech_seconds),
    cost === null ? '-' : costText(cost),
  ])
}
