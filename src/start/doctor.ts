// Doctor: asks everything outside what a configuration relies on, side by side: the data folder, the port, each credential,
// each model's endpoint, what tools need. Nothing is sent, taken, generated or left behind.
//   A probe ends by its deadline, whatever it asks does.

import { access, constants, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import type { AgentDefinition, ChannelDefinition } from '../../machines/definitions.ts'
import { lacksFailure } from '../../machines/channel-failure.ts'
import { type Failure, FailureError, failureOf } from '../../machines/failure.ts'
import type { Phase } from '../../machines/phases.ts'
import { modelLabel } from '../../machines/models.ts'
import { instructionsFailure } from '../../machines/room.ts'
import { buildAgent } from '../agents/catalog.ts'
import { buildDescription } from '../agents/description.ts'
import { buildTranscription } from '../agents/transcription.ts'
import type { Journal, Uploads } from '../channels/adapter.ts'
import { platforms } from '../channels/catalog.ts'
import type { Loaded } from '../config/load.ts'
import type { Log } from '../log.ts'
import { lookAtStore } from '../store/look.ts'
import type { World } from '../world.ts'
import { clockWarning, requireClock } from './clock.ts'
import { toolProbes } from './doctor-tools.ts'
import { secretFrom } from './secret.ts'

export interface ProbeOptions {
  readonly loaded: Loaded
  readonly world: World
  readonly log: Log
  readonly host: string
  readonly port: number
  readonly data: string
  /** A gateway that has this data folder open has the port too, and both are as they should be. */
  readonly gateway: 'runs' | 'isStopped'
}

export interface Probed {
  /** What was asked, for example `channel telegram_cfo`. */
  readonly about: string
  /** In which phase of a start it would be found. */
  readonly phase: Phase
  /** null: it is as it should be. */
  readonly failure: Failure | null
  /** What was found, when it is as it should be. */
  readonly found: string
}

/** Longer than a platform that works ever takes, short enough to wait for. */
const PROBE_MS_MAX = 10_000

/** Resolves with every answer, in the order of the file. */
export function probe(options: ProbeOptions): Promise<readonly Probed[]> {
  const { agents, channels } = options.loaded.definition
  const folderAndPort = options.gateway === 'runs' ? [] : [dataFolder(options), freePort(options)]
  const probes: readonly Probe[] = [
    clock(options),
    ...toolProbes(options),
    ...folderAndPort,
    ...Object.values(channels).map((channel) => credential(channel, options)),
    ...Object.values(agents).flatMap((agent) => endpoints(agent, options)),
  ]
  return Promise.all(probes.map((one) => answerOf(one, options)))
}

export interface Probe {
  readonly about: string
  readonly phase: Phase
  /** For one that may take longer than others. */
  readonly msMax?: number
  /** Resolves with what was found; rejects with a FailureError. */
  ask(signal: AbortSignal): Promise<string>
}

async function answerOf(
  { about, phase, ask, msMax = PROBE_MS_MAX }: Probe,
  { loaded, world: { clock } }: ProbeOptions,
): Promise<Probed> {
  const controller = new AbortController()
  const deadline = Promise.withResolvers<never>()
  const timer = clock.setTimeout(() => {
    deadline.reject(new FailureError(SILENCE))
    controller.abort()
  }, msMax)
  try {
    return { about, phase, failure: null, found: await Promise.race([ask(controller.signal), deadline.promise]) }
  } catch (thrown) {
    const failure = failureWithWords(thrown, loaded.secrets)
    return { about, phase: failure.phase ?? phase, failure, found: '' }
  } finally {
    clock.clearTimeout(timer)
    controller.abort()
  }
}

/** A defect in its own words, without secrets: here is no log that would have them. */
function failureWithWords(thrown: unknown, secrets: Loaded['secrets']): Failure {
  const failure = failureOf(thrown)
  if (failure.kind !== 'defect' || !(thrown instanceof Error)) return failure
  return { ...failure, message: `${failure.message} (${secrets.redact(`${thrown.name}: ${thrown.message}`)})` }
}

const SILENCE: Failure = {
  kind: 'retryable',
  reason: 'timeout',
  message: `there was no answer within ${PROBE_MS_MAX / 1_000} seconds`,
  remedy: 'Check the network, and the address in the file',
}

// --- what is asked ----------------------------------------------------------------------------------------------------

function credential(definition: ChannelDefinition, { loaded, world, log }: ProbeOptions): Probe {
  return {
    about: `channel ${definition.id}`,
    phase: 'connect',
    async ask(signal) {
      requireAll(definition)
      const platform = platforms[definition.platform]
      if (platform === undefined) throw new FailureError(unknownPlatform(definition.platform))
      const create = await platform.load()
      const adapter = create({
        definition,
        secret: secretFrom(loaded),
        journal: NO_JOURNAL,
        uploads: NO_UPLOADS,
        world,
        log,
      })
      const { name } = await adapter.probe(signal)
      return `${definition.platform}, ${name}`
    },
  }
}

function endpoints(definition: AgentDefinition, options: ProbeOptions): readonly Probe[] {
  const { id, fallbackModels, transcription, describeWith } = definition
  const helpers: Helper[] = []
  if (transcription !== null) {
    const label = `${transcription.provider}:${transcription.name}`
    helpers.push({ about: `transcription of ${id}`, label, build: buildTranscription })
  }
  if (describeWith !== null) {
    const label = modelLabel(describeWith)
    helpers.push({ about: `description of pictures for ${id}`, label, build: buildDescription })
  }
  const fallbacks = fallbackModels.map((model): Probe => {
    const alone = { ...definition, model, fallbackModels: [] }
    return endpoint(alone, { ...options, about: `fallback of ${id}` })
  })
  return [
    endpoint(definition, { ...options, about: `agent ${id}` }),
    ...fallbacks,
    ...helpers.map((helping) => helper(definition, options, helping)),
  ]
}

function endpoint(
  definition: AgentDefinition,
  { about, loaded, world, log }: ProbeOptions & { readonly about: string },
): Probe {
  const { model } = definition
  return {
    about,
    phase: 'connect',
    async ask(signal) {
      requireAll(definition)
      const agent = await buildAgent({ definition, secret: secretFrom(loaded), world, log })
      await agent.probe(signal)
      const failure = instructionsFailure(definition, model)
      if (failure !== null) throw new FailureError({ ...failure, phase: 'validate' })
      return model.provider === 'echo' ? 'echo, offline' : modelLabel(model)
    },
  }
}

/** Not a fault of its own when the store is ahead of it: nobody knows which of the two is wrong. */
function clock({ data, world }: ProbeOptions): Probe {
  return {
    about: 'clock',
    phase: 'requires',
    async ask() {
      const nowMs = world.nowMs()
      requireClock(nowMs)
      return clockWarning(data, nowMs) ?? new Date(nowMs).toISOString()
    },
  }
}

/** What makes text of recordings or pictures for the agent's own model. */
interface Helper {
  readonly about: string
  readonly label: string
  readonly build: typeof buildTranscription | typeof buildDescription
}

function helper(definition: AgentDefinition, { loaded, world, log }: ProbeOptions, helping: Helper): Probe {
  const { about, label, build } = helping
  return {
    about,
    phase: 'connect',
    async ask(signal) {
      requireAll(definition)
      const built = await build({ definition, secret: secretFrom(loaded), world, log })
      await built.probe(signal)
      return label
    },
  }
}

function dataFolder({ data }: ProbeOptions): Probe {
  return {
    about: 'data folder',
    phase: 'store',
    async ask() {
      const nearest = await nearestThatExists(data)
      if (!(await stat(nearest)).isDirectory()) throw new FailureError(unusableFolder(`${nearest} is a file`))
      try {
        await access(nearest, constants.W_OK | constants.X_OK)
      } catch {
        throw new FailureError(unusableFolder(`${nearest} is not writable`))
      }
      if (nearest === data) lookAtStore(data)
      return nearest === data ? data : `${data}, made at the first start`
    },
  }
}

async function nearestThatExists(path: string): Promise<string> {
  try {
    await stat(path)
    return path
  } catch {
    return dirname(path) === path ? path : nearestThatExists(dirname(path))
  }
}

function freePort({ host, port }: ProbeOptions): Probe {
  return {
    about: 'port',
    phase: 'connect',
    ask: () =>
      new Promise((resolve, reject) => {
        const server = createServer()
        server.once('error', (error: NodeJS.ErrnoException) => {
          reject(new FailureError(unusablePort(host, port, error.code ?? 'unknown reason')))
        })
        server.listen({ host, port }, () =>
          server.close(() => resolve(port === 0 ? `any free one on ${host}` : `${port} on ${host} is free`)),
        )
      }),
  }
}

/** Without what the file must give there is nobody to ask. */
function requireAll({ missing, lacking }: Pick<ChannelDefinition, 'missing' | 'lacking'>): void {
  const failure = lacksFailure(missing, lacking)
  if (failure !== null) throw new FailureError(failure)
}

/** A probe neither shows nor reads what was said. */
const NO_JOURNAL: Journal = {
  append: () => Promise.reject(new Error('a probe writes no journal')),
  after: () => Promise.resolve([]),
}

const NO_UPLOADS: Uploads = { read: () => Promise.reject(new Error('a probe reads no files')) }

function unknownPlatform(name: string): Failure {
  return { kind: 'permanent', reason: 'missing', message: `there is no platform "${name}"` }
}

function unusableFolder(message: string): Failure {
  return {
    kind: 'permanent',
    reason: 'storage',
    message,
    remedy: 'Give this user the right to write there, or name another folder as gateway.data',
  }
}

function unusablePort(host: string, port: number, code: string): Failure {
  const taken = code === 'EADDRINUSE'
  return {
    kind: 'permanent',
    reason: taken ? 'conflict' : 'refused',
    message: taken ? `port ${port} on ${host} is taken by another program` : `${host}:${port} cannot be used (${code})`,
    remedy: taken ? 'Stop that program, or choose another gateway.port' : 'Check gateway.host and gateway.port',
  }
}
