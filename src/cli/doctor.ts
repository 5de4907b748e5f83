// Doctor: `troupe doctor`, check and then everything outside that the file relies on, with ✓ or ✗ and what to do.

import { sentences } from '../../machines/failure.ts'
import type { Phase } from '../../machines/phases.ts'
import { formatProblem } from '../config/problems.ts'
import { contents } from './check.ts'
import { type Command, CONFIG, type Context, DATA, type Invocation, JSON_OUTPUT } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { isProblems, nameOfFile, type OpenedFile, openOwnFile } from './file.ts'
import { watchForDefects } from './last-resort.ts'
import { columns, type Terminal } from './terminal.ts'

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'check, and then what the file needs: variables, port, data folder, credentials, models',
  options: [CONFIG, DATA, JSON_OUTPUT],
  examples: [
    'troupe doctor                       # asks each credential and each model who it is; sends no message',
    'troupe doctor --config bots.yaml --json',
  ],
  run: doctor,
}

/** Right, but probably not what was meant: no failure. */
const WARNING = 'warning'

/** One line of the examination, as `doctor --json` prints it. */
interface Finding {
  readonly about: string
  /** In which phase of a start it would be found. */
  readonly phase: Phase
  readonly ok: boolean
  /** What was found, or what is wrong and what to do. */
  readonly said: string
}

async function doctor({ context, options }: Invocation): Promise<ExitCode> {
  const opened = await openOwnFile(context, options)
  const findings = isProblems(opened)
    ? opened.map(
        (problem): Finding => ({
          about: 'configuration',
          phase: problem.phase,
          ok: false,
          said: formatProblem(problem),
        }),
      )
    : await examine(opened, context, nameOfFile(options))
  const ok = findings.every((finding) => finding.ok)
  if (options.given('json')) context.terminal.out(JSON.stringify({ ok, checks: findings }, null, 2))
  else print(findings, context.terminal)
  if (isProblems(opened)) return EXIT.configuration
  return ok ? EXIT.fine : EXIT.failed
}

async function examine(file: OpenedFile, context: Context, name: string): Promise<readonly Finding[]> {
  const { loaded, data } = file
  const { createLog } = await import('../log.ts')
  const { ownerOfStray, probe, readHolder } = await import('../start.ts')
  // What tools and hooks load is tried here too.
  watchForDefects(context, { console: null, ownerOfStray })
  const { agents, channels, gateway } = loaded.definition
  const holder = readHolder(data)
  // What a probe logs is in its answer too, in words for a person.
  const log = createLog({ level: 'silent', stacks: 'none', redact: (line) => line, destination: { write: () => {} } })
  const { host, port } = gateway
  const probed = await probe({
    loaded,
    world: context.world,
    log,
    host,
    port,
    data,
    gateway: holder === null ? 'isStopped' : 'runs',
  })
  const fine = (about: string, phase: Phase, said: string): Finding => ({ about, phase, ok: true, said })
  return [
    fine('Node', 'requires', process.versions.node),
    fine('configuration', 'validate', `${name}: ${contents(Object.keys(agents).length, Object.keys(channels).length)}`),
    ...loaded.warnings.map((warning) => fine(WARNING, warning.phase, formatProblem(warning))),
    ...variables(file),
    ...(holder === null ? [] : [fine('gateway', 'store', `runs already: process ${holder.pid}${at(holder.url)}`)]),
    ...probed.map(({ about, phase, failure, found }) => ({
      about,
      phase,
      ok: failure === null,
      said: failure === null ? found : sentences(failure),
    })),
  ]
}

function variables({ loaded }: OpenedFile): readonly Finding[] {
  const about = { about: 'variables', phase: 'secrets' } as const
  const bad = [...loaded.missing, ...loaded.wrong].map((one) => ({ ...about, ok: false, said: formatProblem(one) }))
  return bad.length > 0 ? bad : [{ ...about, ok: true, said: 'every one that the file names is set' }]
}

function at(url: string | null): string {
  return url === null ? '' : ` at ${url}`
}

function print(findings: readonly Finding[], terminal: Terminal): void {
  const { good, bad, unsure } = terminal.colour
  const markOf = ({ about, ok }: Finding): string => (about === WARNING ? unsure('!') : ok ? good('✓') : bad('✗'))
  const rows = findings.map((finding) => [markOf(finding), finding.about, finding.said])
  for (const line of columns(rows)) terminal.out(line)
  const failed = findings.filter(({ ok }) => !ok).length
  terminal.out(failed === 0 ? 'Everything is as it should be.' : `${failed} of ${findings.length} failed.`)
}
