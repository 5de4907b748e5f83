// Reload: from a file that may have changed to a gateway that goes by it.
//   The file is judged as a whole first: with one problem nothing changes, and every problem is in the log and in the status.
//   What it changes is decided by machines/redefinition.ts and done by the actors; here it is handed over, and told in words.
//   Reloads come one after the other, so that each sees what the one before has left.

import type { GatewayDefinition } from '../../machines/definitions.ts'
import { redefinition } from '../../machines/redefinition.ts'
import type { GatewayActor } from '../actors/gateway.ts'
import type { Loaded } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problems.ts'
import type { Change, ChannelStatus, ConfigurationStatus, Reloaded } from '../http/port.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { changesOf, isSettled, keptOf, type Taken } from './changes.ts'
import type { TokenLocks } from './token-locks.ts'

export interface ReloadParts {
  readonly loaded: Loaded
  /** The same file as it is now, or its problems. */
  readonly read: () => Promise<Loaded | readonly Problem[]>
  /** A file's definition with what the command line says over it, and with what each agent lacks on this machine. */
  readonly inForce: (file: GatewayDefinition) => Promise<GatewayDefinition>
  /** The actors have the newest definition. */
  readonly onTaken: () => void
  readonly gateway: GatewayActor
  readonly channels: () => readonly ChannelStatus[]
  readonly tokens: TokenLocks
  readonly world: World
  readonly log: Log
}

export interface Reloading {
  /** Resolves once the actors have the file, or everything stays as it was; what came of it is in the log. Never rejects. */
  refresh(): Promise<void>
  /** The same, and resolves with what came of it: once the channels that are concerned have settled, or after SETTLE_MS_MAX. */
  reload(): Promise<Reloaded>
  status(): ConfigurationStatus
}

/** Longer than a trial takes when its platform answers; who asked by HTTP still waits then. */
const SETTLE_MS_MAX = 8_000

/** How often it is looked whether the channels have settled. */
const SETTLE_LOOK_MS = 25

export function createReloading(parts: ReloadParts): Reloading {
  const { gateway, world, log } = parts
  const { definition } = gateway.getSnapshot().context
  const state: State = {
    loadedAtMs: world.nowMs(),
    problems: [],
    warned: new Set(warningsOf(parts.loaded)),
    last: { change: redefinition(definition, definition), newest: definition, before: {} },
  }
  let queue: Promise<unknown> = Promise.resolve()
  const takeInTurn = (): Promise<LastTaken | 'invalid' | 'draining'> => {
    const taking = queue.then(() => take(parts, state))
    queue = taking.catch(() => {})
    return taking
  }
  return {
    async refresh() {
      const failed = (error: unknown): void => log.error({ err: error }, 'the configuration could not be read anew')
      const taken = await takeInTurn().catch(failed)
      if (typeof taken === 'object') void told(parts, taken).catch(failed)
    },
    async reload() {
      const taken = await takeInTurn()
      if (taken === 'draining') return { outcome: taken }
      return taken === 'invalid' ? { outcome: taken, problems: state.problems } : told(parts, taken)
    },
    status: () => ({
      loaded_at: new Date(state.loadedAtMs).toISOString(),
      problems: state.problems,
      needs_restart: state.last.change.settings.needRestart,
      kept: keptOf(seen(parts, state.last)),
    }),
  }
}

type LastTaken = Pick<Taken, 'change' | 'newest' | 'before'>

interface State {
  loadedAtMs: number
  /** Of the file as it was read last. */
  problems: readonly string[]
  /** What was said of it: the same again is not said twice. */
  warned: ReadonlySet<string>
  last: LastTaken
}

async function take(parts: ReloadParts, state: State): Promise<LastTaken | 'invalid' | 'draining'> {
  const { loaded, gateway, tokens, world } = parts
  const file = await parts.read()
  if (isEnding(gateway)) return 'draining'
  if (isProblems(file)) {
    state.problems = file.map(formatProblem)
    logProblems(parts, file)
    return 'invalid'
  }
  const judged = await parts.inForce(file.definition)
  if (isEnding(gateway)) return 'draining'
  // From here on nothing waits: who asks for a value, or for the definition, finds both as they were or both anew.
  const newest = loaded.secrets.adopt(file.secrets, judged)
  const { definition, adoptions } = gateway.getSnapshot().context
  tokens.renew(newest)
  gateway.send({ type: 'definition.changed', definition: newest })
  parts.onTaken()
  if (state.problems.length > 0) parts.log.info({}, 'the configuration has no problems any more')
  const warnings = warningsOf(file)
  for (const warning of warnings) if (!state.warned.has(warning)) parts.log.warn({}, warning)
  state.warned = new Set(warnings)
  state.loadedAtMs = world.nowMs()
  state.problems = []
  state.last = { change: redefinition(definition, newest), newest, before: adoptions }
  return state.last
}

async function settled(parts: ReloadParts, taken: LastTaken): Promise<void> {
  const { world, gateway } = parts
  const deadlineMs = world.nowMs() + SETTLE_MS_MAX
  while (!isSettled(seen(parts, taken)) && world.nowMs() < deadlineMs && !isEnding(gateway)) {
    await new Promise<void>((resolve) => world.clock.setTimeout(resolve, SETTLE_LOOK_MS))
  }
}

/** What came of it, in the log too. */
async function told(parts: ReloadParts, taken: LastTaken): Promise<Reloaded> {
  const { log, channels } = parts
  await settled(parts, taken)
  const changes = changesOf(seen(parts, taken))
  const { needRestart } = taken.change.settings
  if (needRestart.length > 0) log.warn({ needs_restart: needRestart }, `needs a restart: ${needRestart.join(', ')}`)
  if (changes.length > 0) {
    const live = channels().filter(({ state }) => state === 'live').length
    log.info({ changes }, `${changes.map(wordsOf).join(', ')}; ${live} of ${channels().length} channels live`)
  }
  return { outcome: 'taken', changes, needs_restart: needRestart }
}

function wordsOf({ id, change }: Change): string {
  return `${id} ${change}`
}

/** With how far the channels are at this moment. */
function seen({ gateway, channels }: ReloadParts, last: LastTaken): Taken {
  return { ...last, adoptions: gateway.getSnapshot().context.adoptions, channels: channels() }
}

function logProblems({ log }: ReloadParts, problems: readonly Problem[]): void {
  for (const problem of problems) log.error({ phase: problem.phase, path: problem.path }, formatProblem(problem))
  log.error({ problems: problems.length }, 'the configuration has problems: nothing is changed until they are mended')
}

/** What does not keep a file from being taken. */
function warningsOf({ warnings, missing, wrong }: Loaded): string[] {
  return [...warnings, ...missing, ...wrong].map(formatProblem)
}

function isProblems(file: Loaded | readonly Problem[]): file is readonly Problem[] {
  return Array.isArray(file)
}

function isEnding(gateway: GatewayActor): boolean {
  const snapshot = gateway.getSnapshot()
  return snapshot.status !== 'active' || snapshot.matches('draining')
}
