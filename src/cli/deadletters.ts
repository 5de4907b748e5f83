// Dead letters: `troupe deadletters list` and `deadletters retry`, what could not be handled or delivered.

import { type Command, CONFIG, DATA, type Invocation, JSON_OUTPUT, ROWS } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { withRecords } from './reach.ts'
import { ROWS_USUAL } from './sessions.ts'
import { columns, plainLine } from './terminal.ts'

export const deadLettersListCommand: Command = {
  name: 'deadletters list',
  summary: 'what could not be handled or delivered, newest first',
  options: [CONFIG, DATA, ROWS, JSON_OUTPUT],
  examples: ['troupe deadletters list', 'troupe deadletters list --json'],
  run: list,
}

export const deadLettersRetryCommand: Command = {
  name: 'deadletters retry',
  summary: 'put one back where it came from: a message into its inbox, a reply into the outbox',
  arguments: [{ form: '<id>', says: 'its number, as `deadletters list` shows it' }],
  options: [CONFIG, DATA],
  examples: ['troupe deadletters retry 7'],
  run: retry,
}

const TEXT_UNITS_MAX = 60

function list(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  return withRecords(invocation, async (records) => {
    const letters = await records.deadLetters(invocation.options.number('limit') ?? ROWS_USUAL)
    if (invocation.options.given('json')) terminal.out(JSON.stringify({ dead_letters: letters }, null, 2))
    else if (letters.length === 0) terminal.out('There are no dead letters.')
    else {
      const rows = letters.map(({ id, kind, channel, conversation, at, reason, text }) => [
        String(id),
        kind,
        plainLine(`${channel}/${conversation}`, TEXT_UNITS_MAX),
        at,
        plainLine(reason, TEXT_UNITS_MAX),
        plainLine(text, TEXT_UNITS_MAX),
      ])
      for (const line of columns([['ID', 'KIND', 'CONVERSATION', 'SINCE', 'REASON', 'TEXT'], ...rows]))
        terminal.out(line)
    }
    return EXIT.fine
  })
}

async function retry(invocation: Invocation): Promise<ExitCode> {
  const [given = ''] = invocation.arguments
  const id = Number(given)
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(id))
    throw new CommandFailure(EXIT.usage, `A dead letter’s ID is a number, and this is ${JSON.stringify(given)}.`)
  return withRecords(invocation, async (records) => {
    if (!(await records.retryDeadLetter(id)))
      throw new CommandFailure(EXIT.failed, `There is no dead letter ${id}; \`troupe deadletters list\` shows them.`)
    invocation.context.terminal.out(`Dead letter ${id} is back where it came from and will be tried again.`)
    return EXIT.fine
  })
}
