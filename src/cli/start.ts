// Start: `troupe start`, the gateway in the foreground until a signal.
//   Standard output: where it listens, the roll call, and that it drains. Standard error: problems, and the log.
//   Whatever happens after the first signal, the process ends within `drain` + 3 s.

import { setFlagsFromString } from 'node:v8'
import { formatProblem, type Problem } from '../config/problems.ts'
import { isLoopback } from '../config/references.ts'
import type { GatewaySettings } from '../../machines/definitions.ts'
import { PHASES } from '../../machines/phases.ts'
import type { ChannelStatus, InspectionWish, RunningGateway } from '../start.ts'
import { type Command, CONFIG, type Context, DATA, type Invocation, type Options } from './command.ts'
import type { ConsoleLog } from './console-log.ts'
import { CommandFailure, EXIT, type ExitCode, foreseen } from './exit.ts'
import { type OpenedFile, openFile } from './file.ts'
import { watchForDefects } from './last-resort.ts'
import { type ProgressLine, progressLine } from './progress.ts'
import { countLine, liveCount, rollCallLines } from './roll-call.ts'
import { endBy, listenForSignals, type StopSignal } from './signals.ts'
import { columns } from './terminal.ts'

export const startCommand: Command = {
  name: 'start',
  summary: 'run the gateway in the foreground until SIGINT or SIGTERM',
  options: [
    { ...CONFIG, says: 'the configuration (default: ./gateway.yaml; without that file: a demo workforce)' },
    { flags: '--host <host>', says: 'listen on this address; beyond this machine only with gateway.token' },
    { flags: '--port <number>', says: 'listen on this port; 0: any free one, printed at start', takes: 'port' },
    DATA,
    { flags: '--strict', says: 'stop, with exit code 1, unless every channel goes live' },
    { flags: '--json-logs', says: 'log in JSON lines on a terminal too' },
    { flags: '--inspect [what]', says: 'show the machines to the Stately inspector: all, a channel, or session:KEY' },
    { flags: '--inspect-texts', says: 'with --inspect: also show what people and models write' },
  ],
  examples: [
    'troupe start                          # ./gateway.yaml, or the demo workforce when there is none',
    'troupe start --config bots.yaml --strict',
    'troupe start --inspect                # watch every statechart; --inspect=CHANNEL watches one',
    'troupe start --port 0 --data /tmp/try # any free port, a data folder to throw away',
  ],
  notes: [
    '',
    'Phases, in their order; each failure begins with the name of its own:',
    ...columns(Object.entries(PHASES).map(([phase, found]) => [`  ${phase}`, found])),
  ],
  run: start,
}

/** What a drain may take over the file's own `drain`, with a moment left for the process to end. */
const AFTER_DRAIN_MS_MAX = 2_900

/** How often the progress line is renewed. */
const PROGRESS_MS = 200

async function start({ context, options }: Invocation): Promise<ExitCode> {
  const life = listen(context)
  const file = await openFile(context, options)
  if (file === null) return EXIT.configuration
  checkHost(file, options)
  context.terminal.outliveReader()
  // The runtime is loaded by the commands that run it, so that `--help` does not wait for it.
  const { openConsoleLog } = await import('./console-log.ts')
  const progress = progressLine(context.terminal)
  const form = options.given('json-logs') ? 'json' : 'asTheStreamsAre'
  const console = await openConsoleLog(context, { loaded: file.loaded, form, level: 'info', progress })
  watchForDefects(context, { console })
  try {
    return await serve({ file, context, options, console, progress }, life)
  } catch (thrown) {
    if (console.isJson) logEnd(console, thrown)
    throw thrown
  }
}

/** What standard error says in words at the end, for whoever reads the log by program. */
function logEnd({ log }: ConsoleLog, thrown: unknown): void {
  const known = foreseen(thrown)
  if (known === null) log.error({ err: thrown }, 'a defect ended the gateway')
  else log.error({ phase: known.phase }, known.sentence)
}

interface Serving {
  readonly file: OpenedFile
  readonly context: Context
  readonly options: Options
  readonly console: ConsoleLog
  readonly progress: ProgressLine
}

/** What signals act on. */
interface Life {
  /** null: nothing is begun that an end would have to wait for. */
  serving: Serving | null
  gateway: RunningGateway | null
  /** Resolves at the first signal that asks for the end. */
  readonly asked: Promise<void>
}

async function serve(serving: Serving, life: Life): Promise<ExitCode> {
  const { file, context, options, console } = serving
  const { startGateway, ownerOfStray } = await import('../start.ts')
  watchForDefects(context, { console, ownerOfStray })
  announce(file, context, console)
  life.serving = serving
  const gateway = await startGateway({
    loaded: file.loaded,
    settings: settingsOf(file, options),
    world: context.world,
    log: console.log,
    version: context.version,
    reload: () => file.reload(),
    watch: file.watch,
    inspect: options.given('inspect') ? inspectionOf(options) : null,
    phases: { earlier: file.phases, level: options.given('json-logs') ? 'info' : 'debug' },
  })
  life.gateway = gateway
  context.terminal.out(`Listening on ${gateway.url}`)
  if (gateway.inspectUrl !== null) context.terminal.out(`Inspector: ${gateway.inspectUrl}`)
  void life.asked.then(() => gateway.drain())
  const code = await callTheRoll(gateway, serving)
  await gateway.ended
  context.terminal.out('Stopped.')
  return code
}

/** Prints it once every channel has gone live or failed its first try; a strict start that is incomplete ends here. */
async function callTheRoll(gateway: RunningGateway, serving: Serving): Promise<ExitCode> {
  const { context, options, console, progress } = serving
  const { terminal } = context
  const stopShowing = showProgress(gateway, context, progress)
  const channels = await Promise.race([gateway.rollCall, gateway.ended.then(() => null)]).finally(stopShowing)
  if (channels === null) return EXIT.fine
  setFlagsFromString(YOUNG_GROWS)
  const lacking = gateway.lacking()
  for (const line of rollCallLines({ channels, lacking }, terminal.colour)) terminal.out(line)
  terminal.out(`Console page: ${gateway.url}/`)
  if (console.isJson) console.log.info({ rollCall: channels.map(called), lacking }, countLine(channels))
  if (!options.given('strict') || liveCount(channels) === channels.length) return EXIT.fine
  terminal.err(`troupe: ${INCOMPLETE}`)
  if (console.isJson) console.log.error({ phase: 'ready' }, INCOMPLETE)
  endBy(context, gateway.drainMs() + AFTER_DRAIN_MS_MAX)
  gateway.drain()
  return EXIT.failed
}

/** V8's own default; bin.js has it otherwise while a gateway starts. */
const YOUNG_GROWS = '--semi-space-growth-factor=2'

const INCOMPLETE = 'ready: not every channel went live, and --strict stops here.'

function called({ id, state, reason, phase }: ChannelStatus): Partial<ChannelStatus> {
  return { id, state, reason, phase }
}

function showProgress({ port }: RunningGateway, { terminal, world }: Context, progress: ProgressLine): () => void {
  if (!terminal.isTerminal.err) return () => {}
  let timer: unknown = null
  const show = async (): Promise<void> => {
    const { channels } = await port.status()
    const waiting = channels.filter(({ state }) => state === 'connecting').map(({ id }) => id)
    if (timer === null) return
    progress.say(waiting.length === 0 ? '' : `${countLine(channels)}, waiting for ${waiting.slice(0, 5).join(', ')} …`)
    timer = world.clock.setTimeout(again, PROGRESS_MS)
  }
  // Progress is best effort: a store that cannot count now is told of elsewhere.
  const again = (): void => void show().catch(() => {})
  timer = world.clock.setTimeout(again, PROGRESS_MS)
  return () => {
    world.clock.clearTimeout(timer)
    timer = null
    progress.end()
  }
}

/** From the first moment on: a supervisor does not wait for the roll call with its signals. */
function listen(context: Context): Life {
  const asked = Promise.withResolvers<void>()
  const life: Life = { serving: null, gateway: null, asked: asked.promise }
  listenForSignals(context, {
    stop(signal) {
      if (life.serving === null) return endUnstarted(context)
      sayDraining(life.serving, life.gateway, signal)
      asked.resolve()
    },
    // Before there is a gateway the file is about to be taken anyway.
    refresh: () => life.gateway?.refresh(),
  })
  return life
}

function endUnstarted({ terminal, exit }: Context): void {
  terminal.out('Stopped before anything was started.')
  exit(EXIT.fine)
}

function sayDraining({ context, file, console }: Serving, gateway: RunningGateway | null, signal: StopSignal): void {
  const drainMs = gateway?.drainMs() ?? file.loaded.definition.gateway.drainMs
  endBy(context, drainMs + AFTER_DRAIN_MS_MAX)
  if (console.isJson) console.log.info({ signal }, 'draining')
  const drain = drainMs / 1_000
  context.terminal.out(`Draining: nothing new is taken, runs get ${drain} s. A second ${signal} stops at once.`)
}

function announce({ loaded, isDemo }: OpenedFile, { terminal, version }: Context, console: ConsoleLog): void {
  const { agents } = loaded.definition
  const names = Object.keys(agents).join(', ')
  terminal.out(`Troupe ${version}, ${isDemo ? 'the demo workforce' : loaded.file}`)
  if (isDemo) {
    terminal.out(`There is no gateway.yaml here: these are ${names}, who answer offline with what they heard.`)
    terminal.out('`troupe init` writes a gateway.yaml to begin from.')
  }
  for (const problem of [...loaded.warnings, ...loaded.missing, ...loaded.wrong]) warn(problem, terminal, console)
}

function warn(problem: Problem, terminal: Context['terminal'], { isJson, log }: ConsoleLog): void {
  if (isJson) log.warn({ phase: problem.phase, path: problem.path }, formatProblem(problem))
  else terminal.err(formatProblem(problem))
}

/** The file's own host was judged with the file; this is the command line's. */
function checkHost({ loaded }: OpenedFile, options: Options): void {
  const host = options.text('host')
  if (host === undefined || isLoopback(host) || loaded.definition.gateway.token !== null) return
  const message = `validate: --host ${host} lets other machines in, and there is no gateway.token. Set one, or stay on 127.0.0.1.`
  throw new CommandFailure(EXIT.configuration, message)
}

function inspectionOf(options: Options): InspectionWish {
  return { watch: options.text('inspect') ?? '', texts: options.given('inspect-texts') }
}

function settingsOf(file: OpenedFile, options: Options): Partial<Pick<GatewaySettings, 'host' | 'port' | 'data'>> {
  const host = options.text('host')
  const port = options.number('port')
  const data = options.text('data') === undefined ? {} : { data: file.data }
  return { ...data, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) }
}
