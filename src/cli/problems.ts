// Problems: what is wrong with a file, as a person is told of it on standard error: a line each, and one that says where the start ended.

import { firstPhase } from '../../machines/phases.ts'
import { formatProblem, type Problem } from '../config/problems.ts'
import type { Context, Options } from './command.ts'

export function sayProblems(problems: readonly Problem[], { terminal }: Pick<Context, 'terminal'>): void {
  for (const problem of problems) terminal.err(formatProblem(problem))
}

/** The same of a start that ends with them. */
export async function tellProblems(
  problems: readonly Problem[],
  { terminal }: Context,
  options: Options,
): Promise<void> {
  sayProblems(problems, { terminal })
  terminal.err(`troupe: ${lastSentence(problems)}`)
  if (!options.given('json-logs')) return
  // There are no secrets to take out: a problem's message never has one.
  const { createLog } = await import('../log.ts')
  const log = createLog({
    level: 'error',
    stacks: 'none',
    redact: (line) => line,
    destination: { write: terminal.writeErr },
  })
  for (const problem of problems) log.error({ phase: problem.phase, path: problem.path }, formatProblem(problem))
}

function lastSentence(problems: readonly Problem[]): string {
  const phase = firstPhase(problems.map((problem) => problem.phase))
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return `${phase}: the configuration has ${count}, and nothing was started.`
}
