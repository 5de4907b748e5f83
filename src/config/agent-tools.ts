// Agent tools: what an agent may do, held against the rest of the file and the folder it is in: tools that exist, rules for tools
// that the agent has, hosts, people, and keys that would do nothing. Working folders are in agent-folders.ts.
//   No code of a user's module is run: its tool has the name of its file.

import { resolve } from 'node:path'
import { BUILT_IN_WORDS, isBuiltIn, moduleName, namesOf, TOOL_NAME, usesFolder } from '../../machines/tool-names.ts'
import { mcpFindings, ruleMistake, serversOf } from './agent-mcp.ts'
import { MODULE, missingModule } from './module-files.ts'
import { PLATFORMS } from './platforms.ts'
import { suggestion } from './problems.ts'
import {
  described,
  entriesOf,
  type Finding,
  keySpan,
  type Path,
  quoted,
  spanAt,
  type Tree,
  textOf,
  valueOf,
} from './tree.ts'
import { userOf } from './users.ts'

/** An agent's mapping, in its file. */
export interface AgentPlace {
  readonly root: Tree
  readonly id: string
  readonly node: Tree
  /** Of the file: relative paths begin here. */
  readonly folder: string
  /** Of the channels that lead to it; all that there are when none does yet. */
  readonly platforms: readonly string[]
}

/** Every agent of the file. */
export function placesOf(root: Tree, folder: string): AgentPlace[] {
  const platforms = platformsByAgent(root)
  return entriesOf(valueOf(root, 'agents')).map(([id, { value: node }]) => {
    const leading = platforms.get(id)
    return { root, id, node, folder, platforms: PLATFORMS.filter((name) => leading === undefined || leading.has(name)) }
  })
}

export function toolsFindings(place: AgentPlace): Finding[] {
  return [
    ...toolFindings(place),
    ...mcpFindings(place),
    ...approvalFindings(place),
    ...withoutEffect(place),
    ...approverFindings(place),
    ...executableFindings(place),
    ...hostFindings(place),
  ]
}

/** A word of `tools` as it is, a module as an absolute path. */
export function toolOf(text: string, folder: string): string {
  return isBuiltIn(text) ? text : resolve(folder, text)
}

/** Rules by the names of tools: a word of `tools` stands for each of its own, and a tool's own rule goes before it. */
export function approvalByName<Policy>(rules: Readonly<Record<string, Policy>>): Record<string, Policy> {
  const words = Object.entries(rules).flatMap(([word, policy]) => {
    return isBuiltIn(word) ? namesOf(word).map((name) => [name, policy] as const) : []
  })
  const names = Object.entries(rules).filter(([word]) => !isBuiltIn(word) || namesOf(word).includes(word))
  return Object.fromEntries([...words, ...names])
}

/** Who may approve, in the form of each platform on which this agent answers. */
export function approversOf({ node, platforms }: AgentPlace): string[] {
  const users = itemsOf(valueOf(node, 'approvers')).flatMap((item) => {
    return platforms.map((platform) => userOf(platform, item))
  })
  return [...new Set(users.flatMap((user) => (user !== null && 'user' in user ? [user.user] : [])))]
}

/** An executable's name as it is, a path as an absolute one. */
export function executableOf(text: string, folder: string): string {
  return text.includes('/') ? resolve(folder, text) : text
}

/** `host` or `host:port` as a URL would name it; null when it is neither. */
export function hostOf(text: string): string | null {
  const [, written = '', port] = /^(\[[0-9a-f:.]+\]|[^\s/?#@\\:[\]]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = written === '' ? '' : (URL.parse(`http://${written}/`)?.hostname ?? '')
  if (host === '' || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) return null
  return port === undefined ? host : `${host}:${Number(port)}`
}

// --- tools ------------------------------------------------------------------------------------------------------------

function toolFindings(place: AgentPlace): Finding[] {
  const seen = new Map<string, string>()
  return itemsOf(valueOf(place.node, 'tools')).flatMap((item, index) => {
    const text = textOf(item)
    if (text === null || text === '') return []
    const mistake = isBuiltIn(text) ? null : moduleMistake(text, place.folder)
    const name = namesOf(text)[0] ?? ''
    const other = seen.get(name)
    seen.set(name, text)
    const twice = other === undefined ? null : `${quoted(other)} stands here already, and its tool has the same name`
    const message = mistake ?? twice
    return message === null ? [] : [at(place, ['tools', index], message)]
  })
}

function moduleMistake(text: string, folder: string): string | null {
  if (!text.includes('/') && !MODULE.test(text)) {
    const expected = `expected ${BUILT_IN_WORDS.join(', ')}, or the path of a module such as ./tools/invoice.ts`
    return `unknown tool ${quoted(text)}: ${expected}${suggestion(text, BUILT_IN_WORDS)}`
  }
  if (!MODULE.test(text)) return `expected a module that ends in .ts or .js, found ${quoted(text)}`
  const name = moduleName(text)
  if (!TOOL_NAME.test(name)) {
    return `the tool would be called ${quoted(name)}: name the file with letters, digits, "_" and "-" only`
  }
  if (takenNames().has(name)) return `a built-in tool is called ${quoted(name)}: give this file another name`
  return missingModule(text, folder)
}

function takenNames(): ReadonlySet<string> {
  return new Set(BUILT_IN_WORDS.flatMap((word) => [word, ...namesOf(word)]))
}

/** The entries of `tools`; null when one of them is not known. */
function knownTools(node: Tree): string[] | null {
  const list = valueOf(node, 'tools')
  if (list === undefined) return []
  const texts = itemsOf(list).map(textOf)
  return list.kind === 'list' && texts.every((text) => text !== null) ? texts.filter((text) => text !== null) : null
}

// --- keys that hang on the tools --------------------------------------------------------------------------------------

function approvalFindings(place: AgentPlace): Finding[] {
  const tools = knownTools(place.node)
  if (tools === null || tools.length + serversOf(place).length === 0) return []
  const known = new Set(tools.flatMap((tool) => (isBuiltIn(tool) ? [tool, ...namesOf(tool)] : namesOf(tool))))
  return entriesOf(valueOf(place.node, 'approval')).flatMap(([name]) => {
    if (known.has(name)) return []
    const mistake = ruleMistake(place, name)
    if (mistake !== undefined) return mistake === null ? [] : [atKey(place, ['approval', name], mistake)]
    const message = `this agent has no tool ${quoted(name)}${suggestion(name, known)}`
    return [atKey(place, ['approval', name], message)]
  })
}

/** A key that is accepted has an effect. */
function withoutEffect(place: AgentPlace): Finding[] {
  const tools = knownTools(place.node)
  if (tools === null) return []
  const hasTools = tools.length + serversOf(place).length > 0
  const needs: [key: string, met: boolean, reason: string][] = [
    ['approval', hasTools, 'has no effect on an agent without tools'],
    ['approval_timeout', hasTools, 'has no effect on an agent without tools'],
    ['approvers', hasTools, 'has no effect on an agent without tools'],
    ['max_steps', hasTools, 'has no effect on an agent without tools: a run of it has one step'],
    ['http', tools.includes('http'), 'has no effect without http in tools'],
    ['workdir', tools.some(usesFolder), 'has no effect: none of its tools has a working folder'],
  ]
  return needs.flatMap(([key, met, reason]) => {
    return met || valueOf(place.node, key) === undefined ? [] : [atKey(place, [key], reason)]
  })
}

// --- people, executables, hosts ---------------------------------------------------------------------------------------

function approverFindings(place: AgentPlace): Finding[] {
  return itemsOf(valueOf(place.node, 'approvers')).flatMap((item, index) => {
    const readings = place.platforms.map((platform) => userOf(platform, item))
    const [first] = readings
    const understood = readings.some((reading) => reading === null || 'user' in reading)
    if (understood || first == null || !('mistake' in first)) return []
    return [at(place, ['approvers', index], `${first.mistake}, found ${described(item)}`)]
  })
}

function platformsByAgent(root: Tree): ReadonlyMap<string, ReadonlySet<string>> {
  const byAgent = new Map<string, Set<string>>()
  for (const [, { value: channel }] of entriesOf(valueOf(root, 'channels'))) {
    const platform = PLATFORMS.find((known) => known === textOf(valueOf(channel, 'platform')))
    if (platform === undefined) continue
    const named = [valueOf(channel, 'agent'), ...entriesOf(valueOf(channel, 'routes')).map(([, { value }]) => value)]
    for (const id of named.map(textOf).filter((text) => text !== null)) {
      byAgent.set(id, (byAgent.get(id) ?? new Set()).add(platform))
    }
  }
  return byAgent
}

function executableFindings(place: AgentPlace): Finding[] {
  return itemsOf(valueOf(place.node, 'requires')).flatMap((item, index) => {
    const text = textOf(item)
    if (text === null || text === '' || /^[^\s\p{Cc}~][^\s\p{Cc}]*$/u.test(text)) return []
    const expected = 'expected the name of an executable, or its path, without arguments'
    return [at(place, ['requires', index], `${expected}, found ${described(item)}`)]
  })
}

function hostFindings(place: AgentPlace): Finding[] {
  return itemsOf(valueOf(valueOf(place.node, 'http'), 'allow')).flatMap((item, index) => {
    const text = textOf(item)
    if (text === null || text === '' || hostOf(text) !== null) return []
    const expected = 'expected a host, or a host and port such as 127.0.0.1:8080'
    return [at(place, ['http', 'allow', index], `${expected}, found ${described(item)}`)]
  })
}

// --- places -----------------------------------------------------------------------------------------------------------

function itemsOf(node: Tree | undefined): readonly Tree[] {
  return node?.kind === 'list' ? node.items : []
}

function at({ root, id }: AgentPlace, below: Path, message: string): Finding {
  const path = ['agents', id, ...below]
  return { span: spanAt(root, path), path, message, wholeFile: true }
}

function atKey({ root, id }: AgentPlace, below: Path, message: string): Finding {
  const path = ['agents', id, ...below]
  return { span: keySpan(root, path) ?? spanAt(root, path), path, message, wholeFile: true }
}
