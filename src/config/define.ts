// Define: from what was read to frozen definitions (A1) and, apart from them, the values of secrets (A3).

import { resolve } from 'node:path'
import type {
  AgentDefinition,
  ChannelDefinition,
  GatewayDefinition,
  ModelDefinition,
  SecretReference,
} from '../../machines/definitions.ts'
import { assert } from '../../machines/failure.ts'
import { isSecret, type Pieces } from './check.ts'
import { type ChannelKeys, type ModelKeys, PROVIDER_VARIABLES } from './schema.ts'
import type { SecretEntry } from './secrets.ts'
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
export function readSecrets(root: Tree, pieces: Pieces, lookup: Lookup): { entries: SecretEntry[]; unset: Unset[] } {
  const entries: SecretEntry[] = []
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
    const entry = secretEntry(path, scalar)
    entries.push(entry)
    if (entry.value !== null || entry.variable === null || scalar.unset.length > 0) continue
    const { variable } = entry
    unset.push({ span: scalar, path, variable, message: `the variable ${variable} is empty: ${HOW_TO_SET}` })
  }
  for (const [id, { model }] of pieces.agents) {
    const path = ['agents', id, 'model']
    const names = model === null ? [] : usualVariables(model)
    if (names.length === 0 || nodeAt(root, [...path, 'api_key']) !== undefined) continue
    const variable = names.find((name) => (lookup(name) ?? '').trim() !== '') ?? names[0] ?? ''
    const value = (lookup(variable) ?? '').trim()
    entries.push({ secret: pathText([...path, 'api_key']), value: value === '' ? null : value, variable })
    if (value !== '') continue
    const message = `the variable ${variable} is not set: ${HOW_TO_SET}, or give model.api_key`
    unset.push({ span: spanAt(root, path), path, variable, message })
  }
  return { entries, unset }
}

/** Everything of the file that is not a secret's value, with every default filled in. */
export function define(
  root: Tree,
  pieces: Pieces,
  context: { unset: readonly Unset[]; folder: string },
): GatewayDefinition {
  const missingOf = (section: string, id: string) => {
    const own = context.unset.filter(({ path }) => path[0] === section && path[1] === id)
    return [...new Set(own.map(({ variable }) => variable))]
  }
  const agents = [...pieces.agents].map(([id, { keys, model }]): [string, AgentDefinition] => {
    const missing = missingOf('agents', id)
    return [id, { id, instructions: keys?.instructions ?? '', model: modelDefinition(id, model), missing }]
  })
  const channels = [...pieces.channels].map(([id, keys]): [string, ChannelDefinition] => {
    const node = nodeAt(root, ['channels', id])
    return [id, { ...channelDefinition(id, node, keys), missing: missingOf('channels', id) }]
  })
  const definition = {
    gateway: gatewayDefinition(pieces.gateway, context.folder),
    agents: Object.fromEntries(agents),
    channels: Object.fromEntries(channels),
  }
  return frozen(definition)
}

// --- parts ----------------------------------------------------------------------------------------------------------

const HOW_TO_SET = 'set it in the environment or in a file .env beside this one'

function usualVariables(model: ModelKeys): readonly string[] {
  return model.provider === 'echo' || model.provider === 'openai-compatible' ? [] : PROVIDER_VARIABLES[model.provider]
}

function secretEntry(path: Path, scalar: TreeScalar): SecretEntry {
  const text = typeof scalar.value === 'string' ? scalar.value.trim() : ''
  const value = scalar.unset.length > 0 || text === '' ? null : text
  return { secret: pathText(path), value, variable: scalar.unset[0]?.variable ?? scalar.variables[0] ?? null }
}

function gatewayDefinition(keys: Pieces['gateway'], folder: string): GatewayDefinition['gateway'] {
  assert(keys !== null, 'a file without problems has gateway settings')
  return {
    host: keys.host,
    port: keys.port,
    token: reference(keys.token),
    data: resolve(folder, keys.data),
    drainMs: keys.drain,
    concurrentRuns: keys.concurrent_runs,
    passivateAfterMs: keys.passivate_after,
  }
}

function modelDefinition(id: string, keys: ModelKeys | null): ModelDefinition {
  // Only an unset variable leads here without a model; `missing` then keeps this agent from being used.
  if (keys === null) return { provider: 'echo', delayMs: 0 }
  if (keys.provider === 'echo') return { provider: 'echo', delayMs: keys.delay }
  if (keys.provider === 'openai-compatible') {
    return { provider: keys.provider, name: keys.name, baseUrl: keys.base_url, apiKey: reference(keys.api_key) }
  }
  return {
    provider: keys.provider,
    name: keys.name,
    baseUrl: keys.base_url ?? null,
    apiKey: { secret: keys.api_key ?? `agents.${id}.model.api_key` },
  }
}

function channelDefinition(
  id: string,
  node: Tree | undefined,
  keys: ChannelKeys | null,
): Omit<ChannelDefinition, 'missing'> {
  const telegram = keys?.platform === 'telegram' ? keys : null
  const platform = keys?.platform ?? writtenAt(node, ['platform'])
  const users = usersOf(platform, valueOf(node, 'allowed_users'))
  const open = platform === 'web' && valueOf(node, 'allowed_users') === undefined
  return {
    id,
    platform,
    routes: {
      default:
        keys?.routes?.default ?? keys?.agent ?? (writtenAt(node, ['agent']) || writtenAt(node, ['routes', 'default'])),
      dm: telegram?.routes?.dm ?? null,
      group: telegram?.routes?.group ?? null,
    },
    allowedUsers: users,
    unknownUserPolicy: keys?.unknown_user_policy ?? (open ? 'allow' : 'deny'),
    groupPolicy: telegram?.group_policy ?? 'mention_only',
    sessionScope: keys?.session_scope ?? 'per_chat',
    busyMode: keys?.busy_mode ?? 'queue',
    queueLimit: keys?.queue_limit ?? 32,
    token: reference(telegram?.token),
    apiRoot: telegram?.api_root ?? null,
  }
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

function reference(secret: string | undefined): SecretReference | null {
  return secret === undefined ? null : { secret }
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
