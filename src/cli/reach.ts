// Reach: the way to a gateway that runs, and to the records of a configuration's gateway: through the gateway when one has
// the data folder open, otherwise through the store itself; never both.

import { existsSync } from 'node:fs'
import type { GatewaySettings } from '../../machines/definitions.ts'
import type { Settings } from '../config/load.ts'
import type { RecordsPort } from '../start.ts'
import type { Clock } from '../world.ts'
import type { Context, Options } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { openWay, ownSettings } from './file.ts'
import { sayProblems } from './problems.ts'
import { type Remote, remoteGateway, remoteRecords } from './remote.ts'

/** Runs `work` on the records; 78 when the configuration has problems, which are then on standard error. */
export async function withRecords(
  { context, options }: { context: Context; options: Options },
  work: (records: RecordsPort) => Promise<ExitCode>,
): Promise<ExitCode> {
  const way = await openWay(context, options)
  if (way === null) return EXIT.configuration
  const { data, definition, problems } = way
  const gateway = await runningGateway(data, tokenOf(way, context), context.world.clock)
  if (gateway !== null) return work(remoteRecords(gateway))
  if (definition === null) {
    sayProblems(problems, context)
    return EXIT.configuration
  }
  // Nothing was ever kept there, and looking must not make a folder.
  const { nobodyLives, openOffline, recordsPort, schedulesIn } = await import('../start.ts')
  const living = nobodyLives({ definition, world: context.world })
  if (!existsSync(data)) return work({ ...NO_RECORDS, schedules: async () => schedulesIn(living, []) })
  const store = openOffline(data, context.world)
  try {
    return await work(recordsPort(store, living))
  } finally {
    await store.close()
  }
}

/** A list is printed by then, and a gateway that starts has said where it listens. */
const NAMELESS_MS_MAX = 2_000
const LOOK_AGAIN_MS = 50

/** The gateway that has the data folder open; null when nobody has. Throws when it goes on to have no address. */
export async function runningGateway(data: string, token: string | null, clock: Clock): Promise<Remote | null> {
  const { readHolder } = await import('../start.ts')
  let holder = readHolder(data)
  // Another command that reads there has no address either, and is gone in a moment.
  for (let waitedMs = 0; holder?.url === null && waitedMs < NAMELESS_MS_MAX; waitedMs += LOOK_AGAIN_MS) {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_AGAIN_MS))
    holder = readHolder(data)
  }
  if (holder === null) return null
  if (holder.url !== null) return remoteGateway({ url: holder.url, token, whenSilent: EXIT.tryLater })
  const message = `Process ${holder.pid} has the data folder ${data} open and says no address. Try again in a moment.`
  throw new CommandFailure(EXIT.tryLater, message)
}

/** The gateway that `--url` names, or that has the data folder open; null when that needs a configuration with problems. */
export async function gatewayOf(context: Context, options: Options): Promise<Remote | null> {
  const given = options.text('url')
  if (given !== undefined)
    return remoteGateway({ ...(await addressed(given, context, options)), whenSilent: EXIT.failed })
  const way = await openWay(context, options)
  if (way === null) return null
  const { data, problems } = way
  const { readHolder } = await import('../start.ts')
  const held = readHolder(data)?.url ?? null
  if (held === null && problems.length > 0) {
    sayProblems(problems, context)
    return null
  }
  const url = held ?? addressOf(way.gateway)
  if (url === null)
    throw new CommandFailure(EXIT.failed, `No gateway has ${data} open. Start one with \`troupe start\`.`)
  return remoteGateway({ url, token: tokenOf(way, context), whenSilent: EXIT.failed })
}

/** null: with any free port only the gateway itself could tell. */
function addressOf({ host, port }: GatewaySettings): string | null {
  return port === 0 ? null : `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Of an address that was given the configuration knows the token at most; it need not be there. */
async function addressed(
  url: string,
  context: Context,
  options: Options,
): Promise<{ url: string; token: string | null }> {
  if (!/^https?:\/\/[^/]/.test(url) || URL.parse(url) === null)
    throw new CommandFailure(EXIT.usage, '--url takes an address such as http://127.0.0.1:8765.')
  const token = tokenOfEnvironment(context)
  if (token !== null) return { url, token }
  const settings = await ownSettings(context, options)
  return { url, token: settings && tokenOf(settings, context) }
}

/** The file's own token; without one the variable that the documentation names. */
export function tokenOf({ gateway, secrets }: Settings, { world }: Context): string | null {
  const { token } = gateway
  return token === null ? tokenOfEnvironment({ world }) : secrets.resolve(token)
}

function tokenOfEnvironment({ world }: Pick<Context, 'world'>): string | null {
  const token = world.environment['TROUPE_TOKEN'] ?? ''
  return token === '' ? null : token
}

const NO_TOKENS = { input_tokens: 0, output_tokens: 0, cost: null } as const
const NOTHING_USED = { runs: 0, ...NO_TOKENS, estimated: NO_TOKENS, speech_seconds: 0 } as const

const NO_RECORDS: Omit<RecordsPort, 'schedules'> = {
  sessions: async () => [],
  transcript: async () => null,
  sessionUsage: async () => ({ today: NOTHING_USED, last_30_days: NOTHING_USED }),
  usage: async () => ({ agents: [], users: [] }),
  deadLetters: async () => [],
  retryDeadLetter: async () => false,
  pairings: async () => [],
  approvePairing: async () => null,
  revokePairing: async () => false,
}
