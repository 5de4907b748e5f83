// Check: the tree of a file against the schema, piece by piece, so that one wrong piece hides nothing in the others.
//   Every key is either read or named in a finding. A secret's value never reaches the schema: its reference does (A3).

import {
  type AgentKeys,
  agentSchema,
  type ChannelKeys,
  channelSchemas,
  FILE_KEYS,
  type GatewayKeys,
  gatewaySchema,
  ID,
  keysOf,
  type ModelKeys,
  modelSchemas,
  PLATFORMS,
  read,
  SHORT_PROVIDERS,
} from './schema.ts'
import type { Issue, Reading } from './reading.ts'
import { listed, nearest, suggestion } from './problems.ts'
import {
  described,
  entriesOf,
  entryOf,
  type Finding,
  isOpen,
  keySpan,
  nodeAt,
  type Path,
  pathText,
  quoted,
  spanAt,
  type Tree,
  textOf,
  valueOf,
} from './tree.ts'
import { WITHOUT_EFFECT } from './without-effect.ts'

/** What could be read; null where a finding or an unset variable stands in the way. */
export interface Pieces {
  readonly gateway: GatewayKeys | null
  readonly agents: ReadonlyMap<string, { readonly keys: AgentKeys | null; readonly model: ModelKeys | null }>
  readonly channels: ReadonlyMap<string, ChannelKeys | null>
  readonly findings: readonly Finding[]
}

export function readPieces(root: Tree): Pieces {
  const findings: Finding[] = []
  const reader: Reader = { root, findings }
  if (root.kind !== 'map') {
    const message =
      root.kind === 'scalar' && root.value === null ? EMPTY : `expected a mapping, found ${described(root)}`
    return { gateway: null, agents: new Map(), channels: new Map(), findings: [{ span: root, path: [], message }] }
  }
  for (const key of root.entries.keys()) {
    if (!FILE_KEYS.some((known) => known === key)) findings.push(unknownKey(reader, [key], FILE_KEYS))
  }
  const gateway = readGateway(reader)
  const agents = new Map(idsOf(reader, 'agents').map((id) => [id, readAgent(reader, id)]))
  const channels = new Map(idsOf(reader, 'channels').map((id) => [id, readChannel(reader, id)]))
  return { gateway, agents, channels, findings }
}

/** Whether a secret stands at this path. */
export function isSecret(path: Path): boolean {
  const [section, , third, fourth] = path
  if (section === 'gateway') return path.length === 2 && path[1] === 'token'
  if (section === 'channels') return path.length === 3 && third === 'token'
  return section === 'agents' && path.length === 4 && third === 'model' && fourth === 'api_key'
}

// --- sections -----------------------------------------------------------------------------------------------------

interface Reader {
  readonly root: Tree
  readonly findings: Finding[]
}

const EMPTY = 'the file is empty: expected the sections agents and channels'

function readGateway(reader: Reader): GatewayKeys | null {
  const node = valueOf(reader.root, 'gateway')
  // An empty section, its keys all commented out, is a section that changes nothing.
  const plain = node === undefined || (node.kind === 'scalar' && node.value === null) ? {} : plainOf(node, ['gateway'])
  return accept(reader, ['gateway'], { reading: read(gatewaySchema, plain), known: keysOf(gatewaySchema) })
}

function idsOf(reader: Reader, section: 'agents' | 'channels'): string[] {
  const entry = entryOf(reader.root, section)
  const one = section === 'agents' ? 'agent' : 'channel'
  if (isOpen(entry?.value)) return []
  if (entry === undefined || entry.value.kind !== 'map' || entry.value.entries.size === 0) {
    const found =
      entry === undefined ? 'is required' : `found ${entry.value.kind === 'map' ? 'none' : described(entry.value)}`
    const message = `${found}: expected at least one ${one}, as a mapping of its id to its keys`
    reader.findings.push({ span: entry?.key ?? { start: 0, end: 0 }, path: [section], message, wholeFile: true })
    return []
  }
  const ids = [...entry.value.entries.keys()]
  for (const id of ids) {
    const message = idMistake(id, one)
    if (message !== null) reader.findings.push({ span: spanOfKey(reader, [section, id]), path: [section, id], message })
  }
  return ids
}

function idMistake(id: string, one: string): string | null {
  if (!ID.test(id)) return `${quoted(id)} cannot be an id: expected 1 to 64 letters, digits, "_", "-" or "."`
  // These would be read as a folder, or as something every JavaScript object has.
  return /^\.+$/.test(id) || id in {} ? `${quoted(id)} is a reserved word: choose another id for this ${one}` : null
}

function readAgent(reader: Reader, id: string) {
  const path = ['agents', id]
  const node = nodeAt(reader.root, path)
  if (node?.kind !== 'map') {
    if (!isOpen(node)) reader.findings.push(wrong(reader, path, "expected a mapping with the agent's keys"))
    return { keys: null, model: null }
  }
  const keys = accept(reader, path, { reading: read(agentSchema, plainOf(node, path)), known: keysOf(agentSchema) })
  return { keys, model: readModel(reader, [...path, 'model']) }
}

const MODEL_FORMS = `expected "echo", "PROVIDER:NAME" with ${listed(SHORT_PROVIDERS)}, or a mapping with provider`

function readModel(reader: Reader, path: Path): ModelKeys | null {
  const node = nodeAt(reader.root, path)
  if (node?.kind === 'map') return readModelMapping(reader, path, node)
  if (isOpen(node)) return null
  const short = textOf(node)
  const [provider = '', ...rest] = short?.split(':') ?? []
  const name = rest.join(':').trim()
  const hosted = SHORT_PROVIDERS.find((known) => known === provider)
  if (short === 'echo') return { provider: 'echo', delay: 0 }
  if (hosted !== undefined && name !== '') {
    return { provider: hosted, name, api_key: pathText([...path, 'api_key']), base_url: undefined }
  }
  reader.findings.push(wrong(reader, path, short === null ? MODEL_FORMS : modelExpected(provider, name)))
  return null
}

function modelExpected(provider: string, name: string): Expectation {
  if (provider === 'openai-compatible') {
    return { expected: `${MODEL_FORMS}; this one needs a mapping with name and base_url`, near: '' }
  }
  const meant = nearest(provider, ['echo', ...SHORT_PROVIDERS])
  const whole = meant === 'echo' ? meant : `${meant}:${name || 'NAME'}`
  return { expected: MODEL_FORMS, near: meant === null ? '' : ` (did you mean "${whole}"?)` }
}

function readModelMapping(reader: Reader, path: Path, node: Tree): ModelKeys | null {
  const provider = valueOf(node, 'provider')
  const schema = Object.entries(modelSchemas).find(([name]) => name === textOf(provider))?.[1]
  if (schema !== undefined) {
    const reading = read<ModelKeys>(schema, plainOf(node, path))
    return accept(reader, path, { reading, known: keysOf(schema) })
  }
  chooseOne(reader, [...path, 'provider'], Object.keys(modelSchemas))
  const known = new Set(Object.values(modelSchemas).flatMap(keysOf))
  for (const [key] of entriesOf(node)) {
    if (!known.has(key)) reader.findings.push(unknownKey(reader, [...path, key], known))
  }
  return null
}

function readChannel(reader: Reader, id: string): ChannelKeys | null {
  const path = ['channels', id]
  const node = nodeAt(reader.root, path)
  if (node?.kind !== 'map') {
    if (!isOpen(node)) reader.findings.push(wrong(reader, path, "expected a mapping with the channel's keys"))
    return null
  }
  const platform = PLATFORMS.find((name) => name === textOf(valueOf(node, 'platform')))
  if (platform !== undefined) {
    const schema = channelSchemas[platform]
    const reading = read<ChannelKeys>(schema, plainOf(node, path))
    return accept(reader, path, { reading, known: keysOf(schema) })
  }
  chooseOne(reader, [...path, 'platform'], PLATFORMS)
  // Which keys it must have is unknown; those it has are held against the platform that knows them all.
  const reading = read(channelSchemas.telegram, plainOf(node, path))
  const present = (issue: Issue) => issue.kind === 'unknownKey' || nodeAt(node, issue.path) !== undefined
  const issues = reading.ok ? [] : reading.issues.filter((issue) => issue.path[0] !== 'platform' && present(issue))
  accept(reader, path, { reading: { ok: false, issues }, known: keysOf(channelSchemas.telegram) })
  return null
}

// --- from issues to findings ----------------------------------------------------------------------------------------

/** What a schema said of a piece, and the keys that the piece may have. */
interface Verdict<T> {
  readonly reading: Reading<T>
  readonly known: readonly string[]
}

function accept<T>(reader: Reader, base: Path, { reading, known }: Verdict<T>): T | null {
  if (reading.ok) return reading.value
  for (const issue of reading.issues) {
    const finding = findingOf(reader, issue, { path: [...base, ...issue.path], known })
    if (finding !== null) reader.findings.push(finding)
  }
  return null
}

function findingOf(reader: Reader, issue: Issue, place: { path: Path; known: readonly string[] }): Finding | null {
  const { path, known } = place
  const node = nodeAt(reader.root, path)
  if (isOpen(node)) return null
  if (issue.kind === 'choice') return choiceFinding(reader, path, issue.values)
  if (issue.kind === 'wrong') {
    const unit =
      issue.expected.startsWith('expected a duration') && node?.kind === 'scalar' && typeof node.value === 'number'
    const near = unit ? ` (did you mean "${node.value}s"?)` : ''
    return wrong(reader, path, { expected: issue.expected, near })
  }
  return unknownKey(reader, path, (path.length > 3 ? NESTED[String(path[2])] : undefined) ?? known)
}

const NESTED: Readonly<Record<string, readonly string[]>> = { routes: ['default', 'dm', 'group'], http: ['allow'] }

function chooseOne(reader: Reader, path: Path, values: readonly string[]): void {
  const node = nodeAt(reader.root, path)
  if (!isOpen(node)) reader.findings.push(choiceFinding(reader, path, values))
}

/** Choices whose key says what they are. */
const CATALOGUES: ReadonlySet<unknown> = new Set(['platform', 'provider'])

function choiceFinding(reader: Reader, path: Path, values: readonly string[]): Finding {
  const node = nodeAt(reader.root, path)
  const given = textOf(node)
  const expected = `expected ${listed(values)}`
  if (node === undefined || given === null || given === '') return wrong(reader, path, expected)
  const what = CATALOGUES.has(path.at(-1)) ? path.at(-1) : 'value'
  const message = `unknown ${what} ${described(node)}: ${expected}${suggestion(given, values)}`
  return { span: node, path, message }
}

interface Expectation {
  readonly expected: string
  /** A suggestion, or nothing. */
  readonly near: string
}

function wrong(reader: Reader, path: Path, expectation: string | Expectation): Finding {
  const { expected, near } = typeof expectation === 'string' ? { expected: expectation, near: '' } : expectation
  const node = nodeAt(reader.root, path)
  const span = spanAt(reader.root, path)
  if (node === undefined) return { span, path, message: `is required: ${expected}${near}`, wholeFile: true }
  const hidden = isSecret(path) && node.kind === 'scalar' && node.value !== null && node.value !== ''
  return { span, path, message: `${expected}, found ${hidden ? `a ${typeof node.value}` : described(node)}${near}` }
}

function unknownKey(reader: Reader, path: Path, known: Iterable<string>): Finding {
  const span = spanOfKey(reader, path)
  const key = String(path.at(-1))
  const refused = refusedKeys(reader, path)
  const reason = refused.get(path.slice(2).join('.'))
  if (reason !== undefined) return { span, path, message: reason }
  const words = [...known].filter((word) => !refused.has([...path.slice(2, -1), word].join('.')))
  const near = suggestion(key, words)
  const variable = key.includes('${') ? '; variables stand in values only' : ''
  return {
    span,
    path,
    message: `unknown key${near === '' ? `; known here: ${words.join(', ')}` : ''}${variable}${near}`,
  }
}

/** Keys that exist, but not on the platform of this channel, and why. */
function refusedKeys(reader: Reader, path: Path): ReadonlyMap<string, string> {
  const platform = path[0] === 'channels' ? textOf(nodeAt(reader.root, [...path.slice(0, 2), 'platform'])) : null
  return new Map(Object.entries(new Map(Object.entries(WITHOUT_EFFECT)).get(platform ?? '') ?? {}))
}

function spanOfKey(reader: Reader, path: Path): Finding['span'] {
  return keySpan(reader.root, path) ?? spanAt(reader.root, path)
}

// --- from the tree to plain values ------------------------------------------------------------------------------------

/** Keys without a default: their unset variable stays as it is written, so that a report can show it. */
const KEPT = new Set(['platform', 'agent', 'default', 'token', 'name', 'model', 'provider', 'base_url', 'api_key'])

function plainOf(node: Tree, path: Path): unknown {
  if (node.kind === 'list') return node.items.map((item, index) => plainOf(item, [...path, index]))
  if (node.kind === 'scalar') {
    const open = node.variables.length > 0 || (typeof node.value === 'string' && node.value.trim() !== '')
    return isSecret(path) && open ? pathText(path) : node.value
  }
  const kept = [...node.entries].filter(([key, { value }]) => {
    return KEPT.has(key) || value.kind !== 'scalar' || value.unset.length === 0
  })
  // Without a prototype `__proto__` is a key like any other.
  const plain: Record<string, unknown> = Object.create(null)
  for (const [key, entry] of kept) plain[key] = plainOf(entry.value, [...path, key])
  return plain
}
