// Define: from what was read to frozen definitions (A1) and, apart from them, the values of secrets (A3).

import { resolve } from 'node:path'
import type {
  AgentDefinition,
  ChannelDefinition,
  GatewayDefinition,
  GatewaySettings,
} from '../../machines/definitions.ts'
import { assert } from '../../machines/failure.ts'
import { workdirOf } from './agent-folders.ts'
import { type AgentPlace, approvalByName, approversOf, executableOf, hostOf, toolOf } from './agent-tools.ts'
import type { Pieces } from './check.ts'
import {
  describerDefinition,
  fallbackDefinitions,
  isOfFallback,
  modelDefinition,
  placedModels,
  reference,
  usualKey,
} from './define-models.ts'
import { agentHooks, gatewayHooks } from './hooks.ts'
import { read } from './kinds.ts'
import { type ChannelKeys, settingsOf } from './platform.ts'
import { modulePath } from './platform-module.ts'
import { platformNamed } from './platforms.ts'
import { type AgentKeys, agentSchema, type GatewayKeys } from './schema.ts'
import { mcpDefinitions, mcpEntry } from './define-mcp.ts'
import { isOfMcp, isSecret } from './secret-places.ts'
import { scheduleDefinitions } from './schedules.ts'
import { resetPolicy } from './session-reset.ts'
import type { PlacedSecret, WrongSecret } from './secret-forms.ts'
import { transcriptionDefinition } from './transcription.ts'
import {
  nodeAt,
  type Path,
  pathText,
  scalarsOf,
  type Span,
  spanAt,
  type Tree,
  type TreeScalar,
  valueOf,
} from './tree.ts'
import { userOf } from './users.ts'
import type { Lookup } from './variables.ts'

/** A variable that the file needs and that is not set. */
export interface Unset {
  readonly span: Span
  readonly path: Path
  readonly variable: string
  readonly message: string
}

/** The secrets of the file with their values, and every variable that is missing, also those of providers. */
export function readSecrets(root: Tree, pieces: Pieces, lookup: Lookup): { entries: PlacedSecret[]; unset: Unset[] } {
  const entries: PlacedSecret[] = []
  const unset: Unset[] = []
  for (const [path, scalar] of scalarsOf(root)) {
    for (const { variable, note } of scalar.unset) {
      unset.push({
        span: scalar,
        path,
        variable,
        message: `the variable ${variable} is not set: ${note ?? HOW_TO_SET}`,
      })
    }
    if (!isSecret(path)) continue
    const entry = isOfMcp(path) ? mcpEntry(path, scalar, lookup) : secretEntry(path, scalar)
    entries.push(entry)
    if (entry.value !== null || entry.variable === null || scalar.unset.length > 0) continue
    const { variable } = entry
    unset.push({ span: scalar, path, variable, message: `the variable ${variable} is empty: ${HOW_TO_SET}` })
  }
  for (const model of placedModels(pieces)) {
    const { path } = model
    if (nodeAt(root, [...path, 'api_key']) !== undefined) continue
    const entry = usualKey(model, lookup)
    if (entry === null) continue
    entries.push({ ...entry, path: [...path, 'api_key'] })
    if (entry.value !== null) continue
    const message = `the variable ${entry.variable} is not set: ${HOW_TO_SET}, or give ${isOfFallback(model) ? '' : `${path.slice(2).join('.')}.`}api_key`
    unset.push({ span: spanAt(root, path), path, variable: entry.variable, message })
  }
  return { entries, unset }
}

/** Everything of the file that is not a secret's value, with every default filled in. */
export function define(
  root: Tree,
  pieces: Pieces,
  context: {
    readonly unset: readonly Unset[]
    readonly wrong: readonly WrongSecret[]
    readonly folder: string
    readonly places: readonly AgentPlace[]
    /** Of agents whose instructions are in a file of their own. */
    readonly instructions: ReadonlyMap<string, string>
  },
): GatewayDefinition {
  const missingOf = (section: string, id: string) => {
    const own = context.unset.filter((one) => one.path[0] === section && one.path[1] === id && !isOfFallback(one))
    return [...new Set(own.map(({ variable }) => variable))]
  }
  const lackingOf = (section: string, id: string) => {
    const own = context.wrong.filter((one) => one.path[0] === section && one.path[1] === id && !isOfFallback(one))
    return own.map(({ lack }) => lack)
  }
  const places = new Map(context.places.map((place) => [place.id, place]))
  const agents = [...pieces.agents].map(([id, agent]): [string, AgentDefinition] => {
    const { keys, model, fallbackModels, vision, transcription, hooks } = agent
    const text = typeof keys?.instructions === 'string' ? keys.instructions : context.instructions.get(id)
    const given = {
      instructions: text ?? '',
      model: modelDefinition({ path: ['agents', id, 'model'], keys: model }),
      fallbackModels: fallbackDefinitions(id, fallbackModels, [...context.unset, ...context.wrong]),
      vision: vision.show,
      describeWith: describerDefinition(id, vision),
      transcription: transcriptionDefinition(id, transcription),
      hooks: agentHooks(pieces.hooks, hooks, context.folder),
    }
    const found = { lacking: lackingOf('agents', id), missing: missingOf('agents', id) }
    return [id, { ...agentDefinition(placeOf(places, id), keys, given), ...found }]
  })
  const channels = [...pieces.channels].map(([id, keys]): [string, ChannelDefinition] => {
    const node = nodeAt(root, ['channels', id])
    const found = { lacking: lackingOf('channels', id), missing: missingOf('channels', id) }
    const module = modulePath(keys, context.folder)
    return [id, { ...channelDefinition(id, node, keys), module, ...found }]
  })
  const { gateway } = pieces
  assert(gateway !== null, 'a file without problems has gateway settings')
  const definition = {
    gateway: gatewayDefinition(gateway, context.folder),
    agents: Object.fromEntries(agents),
    channels: Object.fromEntries(channels),
    hooks: gatewayHooks(pieces.hooks, context.folder),
    lacking: [],
    schedules: scheduleDefinitions(pieces.schedules, (index) =>
      context.unset.some(({ path }) => path[0] === 'schedules' && path[1] === index),
    ),
  }
  return frozen(definition)
}

// --- parts ----------------------------------------------------------------------------------------------------------

const HOW_TO_SET = 'set it in the environment or in a file .env beside this one'

function secretEntry(path: Path, scalar: TreeScalar): PlacedSecret {
  const written = typeof scalar.value === 'string' ? scalar.value : ''
  const text = written.trim()
  const value = scalar.unset.length > 0 || text === '' ? null : text
  const variable = scalar.unset[0]?.variable ?? scalar.variables[0] ?? null
  return { secret: pathText(path), value, variable, path, isPadded: text !== written }
}

export function gatewayDefinition(keys: GatewayKeys, folder: string): GatewaySettings {
  return {
    host: keys.host,
    port: keys.port,
    token: reference(keys.token),
    data: resolve(folder, keys.data),
    drainMs: keys.drain,
    concurrentRuns: keys.concurrent_runs,
    passivateAfterMs: keys.passivate_after,
    workdirKeepMs: keys.workdir_keep,
    openaiApi: keys.openai_api,
    allowedOrigins: [...new Set(keys.allowed_origins)],
  }
}

function placeOf(places: ReadonlyMap<string, AgentPlace>, id: string): AgentPlace {
  const place = places.get(id)
  assert(place !== undefined, 'every agent that was read stands in the file')
  return place
}

/** What is read by forms of its own. */
type GivenApart = 'instructions' | 'model' | 'fallbackModels' | 'vision' | 'describeWith' | 'transcription' | 'hooks'

function agentDefinition(
  place: AgentPlace,
  found: AgentKeys | null,
  given: Pick<AgentDefinition, GivenApart>,
): Omit<AgentDefinition, 'lacking' | 'missing'> {
  const keys = found ?? defaultAgentKeys()
  const { id, folder } = place
  return {
    id,
    ...given,
    compactAt: keys.compact_at,
    budget: budgetOf(keys),
    tools: keys.tools.map((tool) => toolOf(tool, folder)),
    mcp: mcpDefinitions(keys.mcp, resolve(folder)),
    approval: approvalByName(keys.approval),
    approvalTimeoutMs: keys.approval_timeout,
    approvers: approversOf(place),
    maxSteps: keys.max_steps,
    runTimeoutMs: keys.run_timeout,
    workdir: workdirOf(keys.workdir, folder),
    requires: keys.requires.map((executable) => executableOf(executable, folder)),
    httpAllow: (keys.http?.allow ?? []).flatMap((host) => hostOf(host) ?? []),
  }
}

/** For an agent of which a key hangs on an unset variable; `missing` keeps it from being used. */
function defaultAgentKeys(): AgentKeys {
  const reading = read(agentSchema, {})
  assert(reading.ok, 'an agent needs no key but its model')
  return reading.value
}

function budgetOf({ budget }: AgentKeys): AgentDefinition['budget'] {
  return budget === undefined ? null : { tokensPerDay: budget.tokens_per_day, per: budget.per }
}

type ChannelRest = Omit<ChannelDefinition, 'lacking' | 'missing' | 'module'>

function channelDefinition(id: string, node: Tree | undefined, keys: ChannelKeys | null): ChannelRest {
  const platform = keys?.platform ?? writtenAt(node, ['platform'])
  const { session_scope, busy_mode, queue_limit, partial_answers } = keys ?? NOTHING_KNOWN
  return {
    id,
    platform,
    routes: routesOf(node, keys),
    allowedUsers: usersOf(platform, valueOf(node, 'allowed_users')),
    unknownUserPolicy: keys?.unknown_user_policy ?? (opensByItself(platform, node) ? 'allow' : 'deny'),
    sessionScope: session_scope,
    busyMode: busy_mode,
    queueLimit: queue_limit,
    partialAnswers: partial_answers,
    reset: resetPolicy(keys),
    groupPolicy: keys?.group_policy ?? 'mention_only',
    token: reference(keys?.token),
    apiRoot: keys?.api_root ?? null,
    settings: settingsOf(keys),
  }
}

/** For a channel whose platform or other keys hang on an unset variable; `missing` keeps it from being started. */
const NOTHING_KNOWN = {
  session_scope: 'per_chat',
  busy_mode: 'queue',
  queue_limit: 32,
  partial_answers: 'keep',
} as const

function routesOf(node: Tree | undefined, keys: ChannelKeys | null): ChannelDefinition['routes'] {
  const written = writtenAt(node, ['agent']) || writtenAt(node, ['routes', 'default'])
  const { default: named, dm = null, group = null } = keys?.routes ?? {}
  return { default: named ?? keys?.agent ?? written, dm, group }
}

/** Who reaches the port was let in by its token, unless the channel names its people. */
function opensByItself(platform: string, node: Tree | undefined): boolean {
  return platformNamed(platform)?.isOnPort === true && valueOf(node, 'allowed_users') === undefined
}

function usersOf(platform: string, list: Tree | undefined): string[] {
  const users = list?.kind === 'list' ? list.items.map((item) => userOf(platform, item)) : []
  return [...new Set(users.flatMap((user) => (user !== null && 'user' in user ? [user.user] : [])))]
}

/** What stands in the file where a variable is unset: a report then shows `${AGENT}`, which nobody takes for an agent's id. */
function writtenAt(node: Tree | undefined, path: Path): string {
  const scalar = node === undefined ? undefined : nodeAt(node, path)
  return scalar?.kind === 'scalar' ? scalar.written : ''
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
