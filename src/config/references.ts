// References: what one place of a file says about another, and values that need more than a type to be right.
//   A second pass over the whole tree, whatever the first one found, so that a person sees everything at once.

import { suggestion } from './problems.ts'
import { modelFindings } from './agent-models.ts'
import { isOrdinary } from './define-mcp.ts'
import { isOfMcp, isSecret } from './secret-places.ts'
import type { SecretEntry } from './secrets.ts'
import {
  described,
  entriesOf,
  type Finding,
  isOpen,
  nodeAt,
  type Path,
  pathText,
  scalarsOf,
  spanAt,
  type Tree,
  type TreeScalar,
  textOf,
  valueOf,
} from './tree.ts'
import { originFindings } from './origins.ts'
import { platformNamed } from './platforms.ts'
import { scheduleFindings } from './schedules.ts'
import { resetFindings } from './session-reset.ts'
import { userOf } from './users.ts'

export function crossCheck(root: Tree, secrets: readonly SecretEntry[]): Finding[] {
  const channels = entriesOf(valueOf(root, 'channels')).map(([id, entry]): Place => [['channels', id], entry.value])
  return [
    ...hostFindings(root),
    ...dataFindings(root),
    ...addressFindings(root),
    ...originFindings(root),
    ...modelFindings(root),
    ...resetFindings(root),
    ...scheduleFindings(root),
    ...channels.flatMap((channel) => [...routeFindings(root, channel), ...userFindings(channel)]),
    ...tokenFindings(channels),
    ...spilledFindings(root, secrets),
  ]
}

/** Right, but probably not what was meant. */
export function warningsOf(root: Tree): Finding[] {
  return entriesOf(valueOf(root, 'channels')).flatMap(([id, { value }]) => {
    const users = valueOf(value, 'allowed_users')
    const policy = textOf(valueOf(value, 'unknown_user_policy'))
    const path = ['channels', id]
    const listed = users !== undefined && !(users.kind === 'list' && users.items.length === 0)
    const isOnPort = platformNamed(textOf(valueOf(value, 'platform')))?.isOnPort ?? true
    const denies = policy === 'deny' || (policy === null && !isOnPort)
    if (denies && !listed) return [finding(root, path, NOBODY)]
    return policy === 'allow' && listed ? [finding(root, [...path, 'allowed_users'], EVERYBODY)] : []
  })
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
}

type Place = readonly [Path, Tree]

const NOBODY = 'nobody may talk to this bot; set allowed_users or unknown_user_policy: pair'
const EVERYBODY = 'everybody may talk here, so this list changes nothing; remove it or unknown_user_policy: allow'

// --- gateway and addresses ------------------------------------------------------------------------------------------

function hostFindings(root: Tree): Finding[] {
  const path = ['gateway', 'host']
  const host = textOf(nodeAt(root, path))
  if (host === null || host === '') return []
  if (!/^[A-Za-z0-9._:%[\]-]+$/.test(host))
    return [finding(root, path, 'expected a host name or address without port or path')]
  if (isLoopback(host) || nodeAt(root, ['gateway', 'token']) !== undefined) return []
  return [finding(root, path, 'beyond loopback the port needs a token: set gateway.token, or use 127.0.0.1')]
}

function dataFindings(root: Tree): Finding[] {
  const path = ['gateway', 'data']
  const data = textOf(nodeAt(root, path)) ?? ''
  if (/\p{Cc}/u.test(data)) return [finding(root, path, 'expected a folder on one line, without control characters')]
  return /^~(\/|$)/.test(data) ? [finding(root, path, 'the sign ~ is not replaced here: write ${HOME} instead')] : []
}

function addressFindings(root: Tree): Finding[] {
  const paths: Path[] = [
    ...entriesOf(valueOf(root, 'agents')).flatMap(([id, { value }]) => {
      const fallbacks = valueOf(value, 'fallback_models')
      const places = fallbacks?.kind === 'list' ? [...fallbacks.items.keys()] : []
      return [
        ['model'],
        ['transcription'],
        ['vision', 'describe_with'],
        ...places.map((place) => ['fallback_models', place]),
      ].map((model): Path => {
        return ['agents', id, ...model, 'base_url']
      })
    }),
    ...entriesOf(valueOf(root, 'channels')).map(([id]) => ['channels', id, 'api_root']),
  ]
  return paths.flatMap((path) => {
    const node = nodeAt(root, path)
    const text = textOf(node)
    if (node === undefined || text === null || text === '') return []
    const url = /^https?:\/\/[^/]/i.test(text) ? URL.parse(text) : null
    if (url !== null && (url.username !== '' || url.password !== '')) {
      return [finding(root, path, 'an address must not hold a user name or password: secrets have keys of their own')]
    }
    // Not shown: what cannot be read as an address may still hold a password.
    const expected = 'expected an address that begins with http:// or https://'
    return url === null || /\s/.test(text) ? [finding(root, path, expected)] : []
  })
}

// --- channels -------------------------------------------------------------------------------------------------------

function routeFindings(root: Tree, [path, channel]: Place): Finding[] {
  if (channel.kind !== 'map') return []
  const routes = valueOf(channel, 'routes')
  const short = valueOf(channel, 'agent')
  const named = valueOf(routes, 'default')
  const kinds = ['default', 'dm', 'group'].map((kind): [Path, Tree | undefined] => [
    [...path, 'routes', kind],
    valueOf(routes, kind),
  ])
  const places: [Path, Tree | undefined][] = [[[...path, 'agent'], short], ...kinds]
  const findings = places.flatMap(([place, node]) => (node === undefined ? [] : agentFindings(root, [place, node])))
  if (short === undefined && named === undefined && !isOpen(routes)) {
    const message = 'is required: expected the id of an agent, or routes with default'
    findings.push({ ...finding(root, [...path, 'agent'], message), wholeFile: true })
  }
  const [first, second] = [textOf(short), textOf(named)]
  if (first !== null && second !== null && first !== second) {
    const message = 'agent is short for routes.default, and the two differ: keep one of them'
    findings.push(finding(root, [...path, 'routes', 'default'], message))
  }
  return findings
}

function agentFindings(root: Tree, [path, node]: Place): Finding[] {
  const id = textOf(node)
  const agents = valueOf(root, 'agents')
  if (id === null || id === '' || agents?.kind !== 'map' || agents.entries.has(id)) return []
  const message = `unknown agent ${described(node)}${suggestion(id, agents.entries.keys())}`
  return [{ ...finding(root, path, message), wholeFile: true }]
}

function userFindings([path, channel]: Place): Finding[] {
  const users = valueOf(channel, 'allowed_users')
  const platform = textOf(valueOf(channel, 'platform'))
  if (users?.kind !== 'list' || platform === null) return []
  return users.items.flatMap((item, index) => {
    const user = userOf(platform, item)
    if (user === null || 'user' in user) return []
    return [
      { span: item, path: [...path, 'allowed_users', index], message: `${user.mistake}, found ${described(item)}` },
    ]
  })
}

/** One poller per token (C2): a second one would take the first one's messages. */
function tokenFindings(channels: readonly Place[]): Finding[] {
  const seen = new Map<string, Path>()
  return channels.flatMap(([path, channel]) => {
    const token = valueOf(channel, 'token')
    const platform = textOf(valueOf(channel, 'platform'))
    const known = platformNamed(platform)
    if (token?.kind !== 'scalar' || token.value === null || token.value === '') return []
    if (known === null || known.token === null) return []
    const root = textOf(valueOf(channel, 'api_root')) ?? known.usualRoot
    // Two unset tokens of the same variable will be one token once it is set.
    const key = JSON.stringify([platform, root.replace(/\/+$/, '').toLowerCase(), String(token.value).trim()])
    const other = seen.get(key)
    if (other === undefined) seen.set(key, path)
    if (other === undefined) return []
    const message = `${pathText(path)} and ${pathText(other)} have the same token: each bot needs a channel and a token of its own`
    return [{ span: token, path: [...path, 'token'], message, wholeFile: true }]
  })
}

// --- secrets --------------------------------------------------------------------------------------------------------

/** A3: a variable that gives a secret would put its value into a definition if it stood elsewhere too. */
function spilledFindings(root: Tree, secrets: readonly SecretEntry[]): Finding[] {
  const scalars = [...scalarsOf(root)]
  const certain = secrets.filter(({ redacted }) => redacted === undefined)
  const secretVariables = new Map(certain.map(({ variable, secret }) => [variable ?? '', secret]))
  for (const [path, scalar] of scalars) {
    if (!isSecret(path)) continue
    // An address and an argument may hold a variable that is none: a port, a folder.
    if (isOfMcp(path) && path[4] !== 'env' && path[4] !== 'headers') continue
    const telling = scalar.variables.filter((variable) => !isOfMcp(path) || !isOrdinary(variable))
    for (const variable of telling) secretVariables.set(variable, pathText(path))
  }
  const places = new Map(scalars.filter(([path]) => isSecret(path)).map(([path, scalar]) => [scalar.start, path]))
  const spilled = ([path, scalar]: readonly [Path, TreeScalar]): Finding[] => {
    const repeated = isSecret(path) ? undefined : places.get(scalar.start)
    if (repeated !== undefined && scalar.end > scalar.start) {
      return [{ span: scalar, path, message: `an alias repeats the secret ${pathText(repeated)} here` }]
    }
    const variable = isSecret(path) ? undefined : scalar.variables.find((name) => secretVariables.has(name))
    const secret = secretVariables.get(variable ?? '')
    if (variable === undefined || secret === undefined) return []
    const message = `the variable ${variable} is a secret (${secret}) and must not stand here as well`
    return [{ span: scalar, path, message }]
  }
  return scalars.flatMap(spilled)
}

function finding(root: Tree, path: Path, message: string): Finding {
  return { span: spanAt(root, path), path, message }
}
