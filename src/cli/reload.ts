// Reload: `troupe reload`, a running gateway takes its configuration anew and says what that changed.
//   A running gateway notices a change by itself; this is for whoever wants to know at once what came of it.

import type { Reloaded } from '../start.ts'
import { type Command, CONFIG, DATA, type Invocation, JSON_OUTPUT, URL_OF_GATEWAY } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { gatewayOf } from './reach.ts'
import { columns } from './terminal.ts'

export const reloadCommand: Command = {
  name: 'reload',
  summary: 'make a running gateway take its configuration anew, and say what changed',
  options: [URL_OF_GATEWAY, CONFIG, DATA, JSON_OUTPUT],
  examples: ['troupe reload', 'troupe reload --json'],
  run: reload,
}

type Taken = Omit<Extract<Reloaded, { outcome: 'taken' }>, 'outcome'>

/** 1 when the file has problems, or when something of it did not come to be: each is said with its reason. */
async function reload({ context, options }: Invocation): Promise<ExitCode> {
  const gateway = await gatewayOf(context, options)
  if (gateway === null) {
    context.terminal.err('Nothing was changed.')
    return EXIT.failed
  }
  const answer = await gateway.ask('POST', '/reload')
  if (!isTaken(answer))
    throw new CommandFailure(EXIT.failed, `${gateway.url} answers, and not as a Troupe gateway does.`)
  if (options.given('json')) context.terminal.out(JSON.stringify(answer, null, 2))
  else for (const line of lines(answer)) context.terminal.out(line)
  return answer.changes.every(({ reason }) => reason === null) ? EXIT.fine : EXIT.failed
}

function isTaken(answer: unknown): answer is Taken {
  return typeof answer === 'object' && answer !== null && 'changes' in answer && 'needs_restart' in answer
}

function lines({ changes, needs_restart }: Taken): string[] {
  const waiting = needs_restart.map((id) => ({ id, change: 'needs a restart', reason: null }))
  const rows = [...changes, ...waiting].map(({ id, change, reason }) => [id, change, reason ?? ''])
  return rows.length === 0 ? ['Nothing has changed.'] : columns(rows)
}
