// Agent MCP: an agent's MCP servers, held against the rest of the agent: names that are nobody else's, keys that go together, and
// rules of `approval` about their tools. Nothing is started here: what tools a server has is known when it runs.

import { BUILT_IN_WORDS, isBuiltIn, moduleName, namesOf } from '../../machines/tool-names.ts'
import type { AgentPlace } from './agent-tools.ts'
import { suggestion } from './problems.ts'
import {
  described,
  entriesOf,
  type Finding,
  isOpen,
  keySpan,
  type Path,
  quoted,
  spanAt,
  type Tree,
  textOf,
  valueOf,
} from './tree.ts'

export function mcpFindings(place: AgentPlace): Finding[] {
  return entriesOf(valueOf(place.node, 'mcp')).flatMap(([name, { value: node }]) => {
    const server = { place, name, node }
    return [
      ...nameFindings(server),
      ...(node.kind === 'map' ? [...transportFindings(server), ...keyFindings(server)] : []),
    ]
  })
}

/** The names of its servers. */
export function serversOf({ node }: AgentPlace): readonly string[] {
  return entriesOf(valueOf(node, 'mcp')).map(([name]) => name)
}

/** What is wrong with a rule of `approval` about a server's tool; null: nothing; undefined: it is not about one. */
export function ruleMistake(place: AgentPlace, rule: string): string | null | undefined {
  const servers = serversOf(place)
  if (servers.includes(rule)) return `expected a tool of ${rule}, or all of them: ${rule}.* (did you mean "${rule}.*"?)`
  const [server = '', ...rest] = rule.split('.')
  const tool = rest.join('.')
  if (tool === '' || (servers.length === 0 && !rule.includes('*'))) return undefined
  if (!servers.includes(server)) {
    const near = suggestion(server, servers).replace(/"(.*)"/, (_, name: string) => `"${name}.${tool}"`)
    return `this agent has no MCP server ${quoted(server)}${near}`
  }
  if (tool === '*' || /^[A-Za-z0-9_-]+$/.test(tool)) return null
  return `expected ${server}.* or ${server}. and the name of a tool: letters, digits, "_" and "-" only`
}

interface Server {
  readonly place: AgentPlace
  readonly name: string
  readonly node: Tree
}

/** With a dot, and what a provider makes of it, a tool's name still has room. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]|_(?!_)){0,31}$/

function nameFindings({ place, name }: Server): Finding[] {
  const message = nameMistake(place, name)
  return message === null ? [] : [atKey(place, ['mcp', name], message)]
}

function nameMistake({ node }: AgentPlace, name: string): string | null {
  if (!NAME.test(name) || name.endsWith('_')) {
    return `${quoted(name)} cannot be the name of an MCP server: expected 1 to 32 letters, digits, "-" or single "_"`
  }
  const taken = BUILT_IN_WORDS.some((word) => word === name || namesOf(word).includes(name))
  if (taken) return `a built-in tool is called ${quoted(name)}: give this MCP server another name`
  const tools = valueOf(node, 'tools')
  const modules = (tools?.kind === 'list' ? tools.items : []).flatMap((item) => textOf(item) ?? [])
  // A dot becomes two of these on its way to a provider.
  const like = modules.find((tool) => !isBuiltIn(tool) && moduleName(tool).startsWith(`${name}__`))
  return like === undefined
    ? null
    : `the tool ${quoted(like)} could be taken for one of this MCP server: rename one of them`
}

function transportFindings({ place, name, node }: Server): Finding[] {
  const [command, url] = [valueOf(node, 'command'), valueOf(node, 'url')]
  const path = ['mcp', name]
  if (command === undefined && url === undefined) {
    return [
      atKey(place, path, 'expected command, for a server that is started here, or url, for one that runs elsewhere'),
    ]
  }
  if (command !== undefined && url !== undefined) {
    return [
      atKey(place, [...path, 'url'], 'command and url stand here, and a server has one of them: remove the other'),
    ]
  }
  const idle = command === undefined ? { keys: ['args', 'env'], needs: 'command' } : { keys: ['headers'], needs: 'url' }
  return idle.keys
    .filter((key) => valueOf(node, key) !== undefined)
    .map((key) => atKey(place, [...path, key], `has no effect without ${idle.needs}`))
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const OURS = /^(host|connection|content-.*|transfer-encoding|accept|user-agent|mcp-.*|last-event-id)$/i

function keyFindings({ place, name, node }: Server): Finding[] {
  const path = ['mcp', name]
  const names = (key: string, mistake: (name: string) => string | null): Finding[] =>
    entriesOf(valueOf(node, key)).flatMap(([each]) => {
      const message = mistake(each)
      return message === null ? [] : [atKey(place, [...path, key, each], message)]
    })
  return [
    ...commandFindings({ place, name, node }),
    ...urlFindings({ place, name, node }),
    ...names('env', (each) => (VARIABLE.test(each) ? null : 'expected the name of a variable such as API_KEY')),
    ...names('headers', (each) => (HEADER.test(each) ? null : 'expected the name of a header such as authorization')),
    ...names('headers', (each) => (OURS.test(each) ? 'this header is ours to set' : null)),
  ]
}

function commandFindings({ place, name, node }: Server): Finding[] {
  const command = valueOf(node, 'command')
  const text = textOf(command)
  if (command === undefined || text === null || text === '' || /^[^\s\p{Cc}~][^\s\p{Cc}]*$/u.test(text)) return []
  const expected = 'expected an executable, by its name or path; its arguments go into args'
  return [at(place, ['mcp', name, 'command'], `${expected}, found ${described(command)}`)]
}

function urlFindings({ place, name, node }: Server): Finding[] {
  const text = textOf(valueOf(node, 'url'))
  if (text === null || text.trim() === '' || isOpen(valueOf(node, 'url'))) return []
  const url = /^https?:\/\/[^/]/i.test(text) ? URL.parse(text) : null
  const path = ['mcp', name, 'url']
  // Not shown: what cannot be read as an address may still hold a password.
  if (url === null || /\s/.test(text))
    return [at(place, path, 'expected an address that begins with http:// or https://')]
  const holds = url.username !== '' || url.password !== ''
  return holds ? [at(place, path, 'an address must not hold a user name or password: use headers')] : []
}

// --- places -----------------------------------------------------------------------------------------------------------

function at({ root, id }: AgentPlace, below: Path, message: string): Finding {
  const path = ['agents', id, ...below]
  return { span: spanAt(root, path), path, message, wholeFile: true }
}

function atKey({ root, id }: AgentPlace, below: Path, message: string): Finding {
  const path = ['agents', id, ...below]
  return { span: keySpan(root, path) ?? spanAt(root, path), path, message, wholeFile: true }
}
