// Check: `troupe check`, the file judged offline: every problem at once.

import type { Loaded } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problems.ts'
import { type Command, CONFIG, type Invocation, JSON_OUTPUT } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { isProblems, nameOfFile, openOwnFile } from './file.ts'
import type { Terminal } from './terminal.ts'

export const checkCommand: Command = {
  name: 'check',
  summary: 'validate the configuration offline; prints every problem at once',
  options: [CONFIG, JSON_OUTPUT],
  examples: [
    'troupe check                        # exit code 0: fine, 1: only variables are missing or wrong, 78: problems',
    'troupe check --config bots.yaml --json',
  ],
  run: check,
}

/** What `check --json` prints. */
interface Verdict {
  readonly ok: boolean
  readonly file: string
  readonly agents: readonly string[]
  readonly channels: readonly string[]
  readonly problems: readonly Problem[]
  /** Variables that are not set: each spoils its own channel or agent. */
  readonly missing: Loaded['missing']
  /** Credentials that cannot be right: as above. */
  readonly wrong: Loaded['wrong']
  readonly warnings: readonly Problem[]
}

async function check(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  const verdict = await judge(invocation)
  if (invocation.options.given('json')) terminal.out(JSON.stringify(verdict, null, 2))
  else print(verdict, terminal)
  if (verdict.problems.length > 0) return EXIT.configuration
  return verdict.ok ? EXIT.fine : EXIT.failed
}

async function judge({ context, options }: Invocation): Promise<Verdict> {
  const file = nameOfFile(options)
  const opened = await openOwnFile(context, options)
  const nothing = { agents: [], channels: [], missing: [], wrong: [], warnings: [] }
  if (isProblems(opened)) return { ok: false, file, ...nothing, problems: opened }
  const { definition, missing, wrong, warnings } = opened.loaded
  const agents = Object.keys(definition.agents)
  const channels = Object.keys(definition.channels)
  const ok = missing.length + wrong.length === 0
  return { ok, file, agents, channels, problems: [], missing, wrong, warnings }
}

function print(verdict: Verdict, terminal: Terminal): void {
  const { problems, missing, wrong, warnings } = verdict
  for (const problem of [...problems, ...missing, ...wrong]) terminal.err(formatProblem(problem))
  for (const warning of warnings) terminal.err(`${formatProblem(warning)} (a warning)`)
  if (problems.length > 0) return
  terminal.out(`${verdict.file}: ${contents(verdict.agents.length, verdict.channels.length)}`)
  const spoiled = [
    ...(missing.length > 0 ? [`${counted(missing.length, 'variable')} missing`] : []),
    ...(wrong.length > 0 ? [`${counted(wrong.length, 'credential')} wrong`] : []),
  ]
  if (spoiled.length > 0) terminal.out(`${spoiled.join(', ')}; all else is fine.`)
}

/** `2 agents, 3 channels`. */
export function contents(agents: number, channels: number): string {
  return `${counted(agents, 'agent')}, ${counted(channels, 'channel')}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
