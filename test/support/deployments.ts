// Deployments: broken ones, each a folder of test/fixtures/broken with a gateway.yaml and an `expect.yaml` that says in which phase the
// start finds what is wrong, with which cause and remedy, and what must serve all the same. The start is the binary's, in a copy.
//   Where `check`, `doctor` and `status` are asked too, they run in this process, by the binary's own door.
//   What differs from an expectation is a list of sentences; none: the deployment fails as it should.
//   A file whose name ends in `.txt` stands without it in the copy: no tool of this repository may read a module that is broken.

import { cpSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { type Phase, PHASE_NAMES } from '../../machines/phases.ts'
import { runHere } from '../cli/context.ts'
import type { BotApiServer } from './bot-api/server.ts'
import { prepared } from './deployment-world.ts'
import { type Exit, type GatewayProcess, type LaunchOptions } from './gateway-process.ts'
import { launched, post, statusOf, temporaryFolder } from './scenario.ts'
import { watch } from './watching.ts'

export const FIXTURES = join(import.meta.dirname, '../fixtures/broken')

/** Many start side by side, on a machine that may have other work; what takes longer is stuck. */
const LONG_MS = 40_000

export interface Expectation {
  /** The row of the table that it stands for. */
  readonly class: string
  readonly phase: Phase
  /** The start ends with this code; left out: it serves. */
  readonly exit?: number
  /** The channel that does not go live, and how it is. */
  readonly channel?: string
  readonly state?: 'failed' | 'retrying'
  /** This channel is live, and whoever writes to it is told. */
  readonly told?: string
  /** These MCP servers, each as AGENT.NAME: all channels are live, and log and status say that they do not start. */
  readonly servers?: readonly string[]
  /** All are live, and this is warned of. */
  readonly warned?: true
  /** Words of what is said, cause and remedy. */
  readonly cause: readonly string[]
  readonly remedy: readonly string[]
  /** Channels of the web that must answer all the same. */
  readonly serves?: readonly string[]
  /** What `doctor` says of it: of what, in which phase. */
  readonly doctor?: { readonly about: string; readonly phase: Phase; readonly says?: string }
  /** What `check` ends with. */
  readonly check?: 0 | 1 | 78
  /** Stands nowhere in what is printed. */
  readonly hidden?: string
  /** How the world is made; see deployment-world.ts. */
  readonly world?: string
  readonly file?: string
  readonly environment?: Readonly<Record<string, string | null>>
  readonly arguments?: readonly string[]
}

export function deploymentNames(): string[] {
  return readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, 'expect.yaml')))
}

export function expectationOf(name: string): Expectation {
  return parse(readFileSync(join(FIXTURES, name, 'expect.yaml'), 'utf8'))
}

/** Everything that is not as expected. */
export async function mistakesOf(name: string, expected: Expectation, api: BotApiServer): Promise<string[]> {
  const folder = temporaryFolder()
  cpSync(join(FIXTURES, name), folder, { recursive: true })
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('.txt')) renameSync(join(folder, path), join(folder, path.slice(0, -'.txt'.length)))
  const options = await prepared(expected, folder, api)
  const gateway = launched({ ...options, arguments: ['--json-logs', ...(options.arguments ?? [])] })
  const said = new Mistakes(name)
  if (expected.exit === undefined) await serves(said, expected, gateway)
  else stops(said, expected, await gateway.exited(LONG_MS))
  await commands(said, expected, options)
  const { hidden } = expected
  if (hidden !== undefined)
    said.unless(!(gateway.output() + gateway.errors()).includes(hidden), 'a secret is printed', gateway)
  return said.list
}

/** Keeps what was wrong, with everything that was printed. */
class Mistakes {
  readonly list: string[] = []
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }

  unless(holds: boolean, sentence: string, seen: unknown): void {
    if (holds) return
    const text = typeof seen === 'string' ? seen : JSON.stringify(seen)
    this.list.push(`${this.#name}: ${sentence}\n${text}`)
  }

  /** Every word of cause and remedy stands in a text. */
  words(text: string, { cause, remedy }: Expectation): void {
    for (const word of [...cause, ...remedy]) this.unless(text.includes(word), `nobody says "${word}"`, text)
    this.unless(cause.length > 0 && remedy.length > 0, 'an expectation names cause and remedy', { cause, remedy })
  }
}

// --- a start that stops -----------------------------------------------------------------------------------------------

function stops(said: Mistakes, expected: Expectation, exit: Exit): void {
  const { phase } = expected
  said.unless(exit.code === expected.exit, `it ends with ${exit.code} and not with ${expected.exit}`, exit)
  said.unless(new RegExp(`^troupe: ${phase}: `, 'm').test(exit.errors), `no sentence names ${phase}`, exit)
  said.words(exit.output + exit.errors, expected)
  said.unless(!/^\s+at .+:\d+:\d+\)?$/m.test(exit.errors), 'a stack is shown', exit)
  said.unless(phase === 'ready' || !exit.output.includes('channels live'), 'the roll was called', exit)
  // Node itself is judged before anything of Troupe is read, and that has no log.
  const lines = jsonLines(exit.errors)
  const logged = lines.some((line) => line['level'] === 'error' && line['phase'] === phase)
  said.unless(logged || expected.world === 'an old Node', `no line of the log names ${phase}`, exit)
}

// --- a start that serves ----------------------------------------------------------------------------------------------

async function serves(said: Mistakes, expected: Expectation, gateway: GatewayProcess): Promise<void> {
  const { channel, state, phase, told, serves: others = [] } = expected
  const called = await gateway.rollCall(LONG_MS)
  const everything = () => `${gateway.output()}${gateway.errors()}`
  if (channel !== undefined) {
    const line = called.text.split('\n').find((each) => each.startsWith(`  ${channel} is ${state}: ${phase}: `)) ?? ''
    said.unless(line !== '', `the roll call does not say that ${channel} is ${state} in ${phase}`, everything())
    if (line !== '') said.words(line, expected)
    const { channels } = await statusOf(gateway)
    const found = channels.find(({ id }) => id === channel)
    said.unless(found?.phase === phase && found.state === state, `the status does not name ${phase}`, channels)
    said.unless(line.includes(found?.reason ?? 'no reason'), 'status and roll call differ', { line, found })
    const logged = jsonLines(gateway.errors()).find((each) => 'rollCall' in each)?.['rollCall']
    said.unless(JSON.stringify(logged ?? null).includes(`"phase":"${phase}"`), 'the log does not name it', everything())
    said.unless((await gateway.request('/readyz')).status === 503, 'it says that it is ready', channels)
  }
  if (expected.warned === true) {
    const warning = jsonLines(gateway.errors()).find((each) => each['level'] === 'warn' && each['phase'] === phase)
    said.unless(warning !== undefined, `nothing is warned of in ${phase}`, everything())
    said.words(String(warning?.['msg']), expected)
  }
  if (told !== undefined) await isTold(said, expected, { gateway, told })
  if (expected.servers !== undefined) await areTried(said, expected, { gateway, servers: expected.servers })
  const live = channel === undefined ? called.of : called.of - 1
  said.unless(called.live === live, `${called.live} of ${called.of} are live`, everything())
  for (const other of others) {
    const answer = await answerOf(gateway, other)
    said.unless(/heard: hi$/.test(answer), `${other} does not answer`, answer)
  }
  const phases = jsonLines(gateway.errors()).flatMap((each) => (typeof each['ms'] === 'number' ? [each['phase']] : []))
  said.unless(JSON.stringify(phases) === JSON.stringify(PHASE_NAMES), 'not every phase has its line, in order', phases)
  const { code } = await gateway.stop()
  said.unless(code === 0, `it ends with ${code}`, everything())
}

interface Telling {
  readonly gateway: GatewayProcess
  readonly told: string
}

/** What is found at first use: the channel stays up, and sender, status and log say it. */
async function isTold(said: Mistakes, expected: Expectation, { gateway, told }: Telling): Promise<void> {
  said.words(await answerOf(gateway, told), expected)
  const { channels, agents } = await statusOf(gateway)
  said.unless(channels.find(({ id }) => id === told)?.state === 'live', 'the channel is not live', channels)
  said.words(agents.map(({ reason }) => reason).join('\n'), expected)
  const { out } = await runHere(['status', '--url', gateway.url])
  said.words(out.split('\n').find((line) => line.includes('could not answer')) ?? out, expected)
  const warned = jsonLines(gateway.errors()).filter((each) => each['level'] === 'warn')
  said.words(JSON.stringify(warned).replaceAll(String.raw`\"`, '"'), expected)
}

interface Trying {
  readonly gateway: GatewayProcess
  readonly servers: readonly string[]
}

/** What is found beside the start, before anybody asks: log and status say it, once each, whatever channels there are. */
async function areTried(said: Mistakes, expected: Expectation, { gateway, servers }: Trying): Promise<void> {
  const { phase } = expected
  await gateway.prints(new RegExp(servers.map(() => 'did not start').join('[^]*'))).catch(() => {})
  const warned = jsonLines(gateway.errors()).filter((each) => each['level'] === 'warn' && each['phase'] === phase)
  said.unless(warned.length === servers.length, 'it is not warned of once for each', gateway.errors())
  said.words(warned.map(({ msg }) => msg).join('\n'), expected)
  const { mcp_servers: found } = await statusOf(gateway)
  const names = found.flatMap((each) => (each.phase === phase ? [`${each.agent}.${each.server}`] : []))
  said.unless(JSON.stringify(names) === JSON.stringify(servers), `the status does not name ${servers}`, found)
  said.words(found.map(({ reason }) => reason).join('\n'), expected)
}

async function answerOf(gateway: GatewayProcess, channel: string): Promise<string> {
  const watching = await watch(gateway, channel, 'c')
  await post(gateway, channel, { conversation: 'c', text: 'hi' })
  const [answer = ''] = await watching.answered(1)
  watching.close()
  return answer
}

// --- commands ---------------------------------------------------------------------------------------------------------

async function commands(said: Mistakes, expected: Expectation, options: LaunchOptions): Promise<void> {
  const { doctor, check, phase } = expected
  const config = ['--config', join(options.folder, options.file ?? 'gateway.yaml'), '--json']
  const environment = asGiven(options)
  if (check !== undefined) {
    const exit = await runHere(['check', ...config], environment)
    said.unless(exit.code === check, `check ends with ${exit.code} and not with ${check}`, exit)
    const verdict: Record<'problems' | 'missing' | 'wrong' | 'warnings', { phase: Phase }[]> = JSON.parse(exit.out)
    const { problems, missing, wrong, warnings } = verdict
    const found = [...problems, ...missing, ...wrong, ...warnings].map((each) => each.phase)
    said.unless(check === 0 || found.includes(phase), `check does not name ${phase}`, exit)
  }
  if (doctor !== undefined) {
    const exit = await runHere(['doctor', ...config], environment)
    const { checks }: { checks: { about: string; phase: Phase; ok: boolean; said: string }[] } = JSON.parse(exit.out)
    const found = checks.find(({ about, ok }) => about === doctor.about && !ok)
    said.unless(exit.code === 1 && found?.phase === doctor.phase, `doctor does not name ${doctor.about}`, exit)
    const words = doctor.says === undefined ? expected.cause : [doctor.says]
    const isSame = words.every((word) => found?.said.includes(word))
    said.unless(isSame, 'doctor says another cause', exit)
  }
}

/** The variables of the process that was started. */
function asGiven({ environment = {} }: LaunchOptions): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  const all = Object.entries({ PATH, HOME, ...environment })
  return Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []))
}
