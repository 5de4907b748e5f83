// Sessions: `troupe sessions list` and `sessions show`, what is kept of each conversation.

import type { TranscriptEntry } from '../../machines/messages.ts'
import type { Step } from '../../machines/steps.ts'
import { type Amount, usageText } from '../../machines/usage.ts'
import type { AmountView, UsagePeriods, UsageTotalsView } from '../start.ts'
import { type Command, CONFIG, DATA, type Invocation, JSON_OUTPUT, ROWS } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { withRecords } from './reach.ts'
import { columns, plain, plainLine } from './terminal.ts'

export const sessionsListCommand: Command = {
  name: 'sessions list',
  summary: 'sessions, newest first',
  options: [CONFIG, DATA, ROWS, JSON_OUTPUT],
  examples: ['troupe sessions list', 'troupe sessions list --limit 1000 --json'],
  run: list,
}

export const sessionsShowCommand: Command = {
  name: 'sessions show',
  summary: 'one session’s transcript, oldest first',
  arguments: [{ form: '<key>', says: 'the session’s key, as `sessions list` shows it' }],
  options: [CONFIG, DATA, JSON_OUTPUT],
  examples: ['troupe sessions show web/lobby', 'troupe sessions show web/lobby --json'],
  run: show,
}

/** Rows of a list when nobody asks for another number. */
export const ROWS_USUAL = 100

const KEY_UNITS_MAX = 80

function list(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  return withRecords(invocation, async (records) => {
    const sessions = await records.sessions(invocation.options.number('limit') ?? ROWS_USUAL)
    if (invocation.options.given('json')) terminal.out(JSON.stringify({ sessions }, null, 2))
    else if (sessions.length === 0) terminal.out('There are no sessions yet.')
    else {
      const rows = sessions.map(({ key, agent, state, turns, waiting, updated_at }) => [
        plainLine(key, KEY_UNITS_MAX),
        agent,
        state,
        String(turns),
        String(waiting),
        updated_at,
      ])
      const head = ['SESSION', 'AGENT', 'STATE', 'TURNS', 'WAITING', 'UPDATED']
      for (const line of columns([head, ...rows])) terminal.out(line)
    }
    return EXIT.fine
  })
}

/** `--json` has the whole of it. */
const STEP_UNITS_MAX = 200

function show(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  const [key = ''] = invocation.arguments
  return withRecords(invocation, async (records) => {
    const entries = await records.transcript(key)
    if (entries === null) {
      const message = `There is no session ${JSON.stringify(key)}; \`troupe sessions list\` shows them.`
      throw new CommandFailure(EXIT.failed, message)
    }
    const usage = await records.sessionUsage(key)
    const transcript = entries.map(({ atMs, ...entry }) => ({ ...entry, at: new Date(atMs).toISOString() }))
    if (invocation.options.given('json')) terminal.out(JSON.stringify({ key, transcript, usage }, null, 2))
    else {
      for (const entry of entries) for (const line of [...entry.steps.map(done), spoken(entry)]) terminal.out(line)
      terminal.out(used(usage))
    }
    return EXIT.fine
  })
}

function spoken({ atMs, role, sender, model, text }: TranscriptEntry): string {
  const by = model === undefined ? role : `${role} (${model})`
  const who = sender === null ? by : `${role} ${sender.name ?? sender.handle ?? sender.id}`
  return `${new Date(atMs).toISOString()} ${plainLine(who, KEY_UNITS_MAX)}: ${plain(text)}`.trimEnd()
}

/** What a run did on the way to its answer, a line each, set in. */
function done(step: Step): string {
  return `  ${plainLine(doing(step), STEP_UNITS_MAX)}`
}

function doing(step: Step): string {
  switch (step.kind) {
    case 'answer': {
      const calls = step.calls.map(({ id, tool, input }) => `${id}: ${tool} ${JSON.stringify(input)}`)
      return `asks for ${calls.join('; ')}${step.model === undefined ? '' : ` (${step.model})`}`
    }
    case 'decision':
      return `${step.call}: ${step.approved ? 'approved' : 'denied'} by ${step.by ?? 'nobody in time'}`
    case 'begin':
      return `${step.call}: begins`
    case 'result':
      return `${step.call}: ${step.failed ? 'failed: ' : ''}${step.text}`
    case 'steering':
      return `was told meanwhile: ${step.messages.map(({ text }) => text).join(' / ')}`
  }
}

function used({ today, last_30_days: lately }: UsagePeriods): string {
  const text = ({ runs, estimated, speech_seconds: speechSeconds, ...all }: UsageTotalsView): string =>
    usageText({ runs, ...amountOf(all), estimated: amountOf(estimated), speechSeconds })
  return `Used today (UTC): ${text(today)}; in 30 days: ${text(lately)}`
}

function amountOf({ input_tokens, output_tokens, cost }: AmountView): Amount {
  return { inputTokens: input_tokens, outputTokens: output_tokens, cost }
}
