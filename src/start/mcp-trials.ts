// MCP trials: whether each MCP server of the file starts, found out before somebody's message needs it. Part of the phase `requires`,
// and beside the start: nobody waits for it, and no channel hangs on it, for a dead server is a failure that a model can read.
//   Each is started once for its agent, whatever channels use it, and so many at a time. It says what it has and is let go at once:
//   servers still run only when they are needed. A run that needs one meanwhile takes over the one that is being tried, or waits for
//   its end: because of a trial there are never two at once.
//   Slow is not broken: nothing is said of a server for as long as a run would wait for it.
//   After a newer file those are tried that are new or changed, and those that did not start.

import type { GatewayDefinition, SecretReference } from '../../machines/definitions.ts'
import { sayable } from '../../machines/failure.ts'
import { MCP_START_MS_MAX, MCP_TRIALS_AFTER_MS, MCP_TRIALS_AT_ONCE } from '../../machines/limits.ts'
import { TOO_SLOW } from '../../machines/mcp-failure.ts'
import { OPENAI_CHANNEL } from '../../machines/openai.ts'
import { isSame } from '../../machines/redefinition.ts'
import type { McpServerStatus } from '../http/mcp-status.ts'
import type { Log } from '../log.ts'
import type { McpServer, RunMcp } from '../tools/tool.ts'
import type { World } from '../world.ts'
import { addressOf, type FileServer, type McpStarts, serversIn, watchMcpStarts } from './mcp-starts.ts'

export interface McpTrials {
  /** For the actors of MCP servers: starts one, or hands over the one that is being tried. */
  readonly run: RunMcp
  /** Tries all of them, as soon as the roll was called and not much later. */
  begin(rollCall: Promise<unknown>): void
  /** Tries those of the newest file that are not known to start. */
  look(): void
  /** Those whose last start failed, in the order of the file. */
  failing(): readonly McpServerStatus[]
  /** Tries nothing more and ends what is being tried; resolves when nothing of it runs. */
  close(): Promise<void>
}

export interface McpTrialsParts {
  readonly runMcp: RunMcp
  /** The newest at the moment of asking. */
  readonly definition: () => GatewayDefinition
  readonly secret: (reference: SecretReference) => string
  readonly world: World
  readonly log: Log
}

export function createMcpTrials(parts: McpTrialsParts): McpTrials {
  const trials = new Trials(parts)
  return {
    run: (...given) => trials.run(...given),
    begin: (rollCall) => trials.begin(rollCall),
    look: () => trials.look(),
    failing: () => trials.starts.failing(),
    close: () => trials.close(),
  }
}

interface Trial {
  readonly of: FileServer
  readonly ending: AbortController
  /** From its start to the moment when nothing of it runs. */
  life: Promise<void>
  /** Resolves when it has said what it has. */
  readonly ready: Promise<void>
  /** Who has taken it over; null: nobody. */
  owner: ((server: McpServer) => void) | null
}

class Trials {
  readonly starts: McpStarts
  readonly #parts: McpTrialsParts
  readonly #start: RunMcp
  /** By address. */
  readonly #trials = new Map<string, Trial>()
  #waiting: FileServer[] = []
  #isOver = false
  #timer: unknown = null

  constructor(parts: McpTrialsParts) {
    this.#parts = parts
    this.starts = watchMcpStarts(parts)
    this.#start = this.starts.watched(parts.runMcp)
  }

  begin(rollCall: Promise<unknown>): void {
    const { clock } = this.#parts.world
    const late = new Promise<void>((resolve) => (this.#timer = clock.setTimeout(resolve, MCP_TRIALS_AFTER_MS)))
    void Promise.race([rollCall, late]).then(() => {
      clock.clearTimeout(this.#timer)
      this.look()
    })
  }

  look(): void {
    const servers = serversIn(usable(this.#parts.definition()))
    for (const { of, ending, owner } of this.#trials.values())
      if (owner === null && !servers.some((server) => isSame(server, of))) ending.abort()
    this.#waiting = servers.filter((server) => {
      const trial = this.#trials.get(addressOf(server))
      const isTried = trial !== undefined && isSame(trial.of, server)
      return !isTried && this.starts.last(server) !== 'started'
    })
    this.#next()
  }

  async run(...given: Parameters<RunMcp>): Promise<void> {
    const [{ agent, name: server, definition }, live, signal] = given
    const of = { agent, server, definition }
    this.#waiting = this.#waiting.filter((each) => !isSame(each, of))
    const trial = this.#trials.get(addressOf(of))
    if (trial === undefined || trial.owner !== null) return this.#start(...given)
    if (trial.ending.signal.aborted || !isSame(trial.of, of)) {
      trial.ending.abort()
      await trial.life.catch(() => {})
      return this.#start(...given)
    }
    trial.owner = live
    if (signal.aborted) trial.ending.abort()
    signal.addEventListener('abort', () => trial.ending.abort())
    return trial.life
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#parts.world.clock.clearTimeout(this.#timer)
    const lives = [...this.#trials.values()].map(({ ending, life }) => {
      ending.abort()
      return life
    })
    await Promise.allSettled(lives)
  }

  #next(): void {
    while (!this.#isOver && this.#trials.size < MCP_TRIALS_AT_ONCE) {
      // One whose earlier definition is being ended waits for that.
      const index = this.#waiting.findIndex((server) => !this.#trials.has(addressOf(server)))
      const [of] = index < 0 ? [] : this.#waiting.splice(index, 1)
      if (of === undefined) return
      const trial = this.#open(of)
      this.#trials.set(addressOf(of), trial)
      void this.#judge(trial).then(() => {
        this.#trials.delete(addressOf(of))
        this.#next()
      })
    }
  }

  #open(of: FileServer): Trial {
    const { secret, world, log } = this.#parts
    const { agent, server: name, definition } = of
    const ending = new AbortController()
    const ready = Promise.withResolvers<void>()
    const trial: Trial = { of, ending, life: ready.promise, ready: ready.promise, owner: null }
    const live = (server: McpServer): void => {
      // From this moment on nobody is given it any more.
      if (trial.owner === null) ending.abort()
      else trial.owner(server)
      ready.resolve()
    }
    const parts = { agent, name, definition, secret, world, log: log.child({ agent, mcp: name }) }
    trial.life = this.#start(parts, live, ending.signal)
    return trial
  }

  /** Until it is known whether it starts; and until nothing of it runs, unless somebody has it. */
  async #judge(trial: Trial): Promise<void> {
    const { of, ending, life, ready } = trial
    const { clock } = this.#parts.world
    const late = Promise.withResolvers<'broken'>()
    const deadline = clock.setTimeout(() => {
      this.starts.note(of, TOO_SLOW)
      late.resolve('broken')
    }, MCP_START_MS_MAX)
    const ended = life.then(
      () => 'fine',
      () => 'broken',
    )
    const outcome = await Promise.race([ready.then(() => 'fine'), ended, late.promise])
    clock.clearTimeout(deadline)
    if (outcome === 'broken') this.#tell(of)
    if (trial.owner !== null) return
    ending.abort()
    await ended
  }

  #tell(of: FileServer): void {
    const { definition, log } = this.#parts
    const failure = this.starts.last(of)
    if (typeof failure === 'string' || !isSame(definition().agents[of.agent]?.mcp[of.server], of.definition)) return
    const { phase, reason } = failure
    log.warn({ phase, agent: of.agent, mcp: of.server, reason }, sayable(failure))
  }
}

/** Without agents that nobody reaches, and those that lack something: their channels say so. Nobody can use their servers. */
function usable(definition: GatewayDefinition): GatewayDefinition {
  const reached = reachedIn(definition)
  const whole = Object.entries(definition.agents).filter(
    ([id, { missing, lacking }]) => reached.has(id) && missing.length + lacking.length === 0,
  )
  return { ...definition, agents: Object.fromEntries(whole) }
}

/** The agents that a channel or a schedule leads to; to clients of the OpenAI API each is there by its name. */
function reachedIn({ agents, channels, schedules }: GatewayDefinition): ReadonlySet<string | null> {
  if (channels[OPENAI_CHANNEL] !== undefined) return new Set(Object.keys(agents))
  const routed = Object.values(channels).flatMap(({ routes }) => [routes.default, routes.dm, routes.group])
  return new Set([...routed, ...Object.values(schedules).map(({ agent }) => agent)])
}
