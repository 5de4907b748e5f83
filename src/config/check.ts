// Check: the tree of a file against the schema, piece by piece, so that one wrong piece hides nothing in the others.
//   Every key is either read or named in a finding.

import { AGENT_HOOK_EVENTS, HOOK_EVENTS } from '../../machines/hooks.ts'
import { readFallbackModels, readModel } from './check-model.ts'
import { type HookPieces, readHooks } from './hooks.ts'
import { keysOf, read } from './kinds.ts'
import type { ModelKeys } from './model-schema.ts'
import type { ChannelKeys, PlatformKeys } from './platform.ts'
import { PLATFORMS, platformNamed, platforms } from './platforms.ts'
import { accept, chooseOne, plainOf, type Reader, spanOfKey, unknownKey, wrong } from './reader.ts'
import type { Issue } from './reading.ts'
import type { ScheduleKeys } from './schedule-schema.ts'
import { readSchedules } from './schedules.ts'
import {
  type AgentKeys,
  agentSchema,
  agentWithFileSchema,
  FILE_KEYS,
  type GatewayKeys,
  gatewaySchema,
  ID,
} from './schema.ts'
import { readTranscription, type TranscriptionKeys } from './transcription.ts'
import { readVision, USUAL_VISION, type VisionKeys } from './vision.ts'
import {
  described,
  entryOf,
  type Finding,
  isOpen,
  nodeAt,
  type Path,
  quoted,
  type Tree,
  textOf,
  valueOf,
} from './tree.ts'

/** What could be read; null where a finding or an unset variable stands in the way. */
export interface Pieces {
  readonly gateway: GatewayKeys | null
  readonly agents: ReadonlyMap<string, AgentPieces>
  readonly channels: ReadonlyMap<string, ChannelKeys | null>
  readonly schedules: readonly (ScheduleKeys | null)[]
  readonly hooks: HookPieces
  readonly findings: readonly Finding[]
}

export interface AgentPieces {
  readonly keys: AgentKeys | null
  readonly model: ModelKeys | null
  readonly fallbackModels: readonly (ModelKeys | null)[]
  readonly vision: VisionKeys
  /** null also when there is none. */
  readonly transcription: TranscriptionKeys | null
  readonly hooks: HookPieces
}

export function readPieces(root: Tree): Pieces {
  const findings: Finding[] = []
  const reader: Reader = { root, findings }
  if (root.kind !== 'map') {
    const message =
      root.kind === 'scalar' && root.value === null ? EMPTY : `expected a mapping, found ${described(root)}`
    const findings = [{ span: root, path: [], message }]
    return { gateway: null, agents: new Map(), channels: new Map(), schedules: [], hooks: {}, findings }
  }
  for (const key of root.entries.keys()) {
    if (!FILE_KEYS.some((known) => known === key)) findings.push(unknownKey(reader, [key], FILE_KEYS))
  }
  const gateway = readGateway(reader)
  const agents = new Map(idsOf(reader, 'agents').map((id) => [id, readAgent(reader, id)]))
  const channels = new Map(idsOf(reader, 'channels').map((id) => [id, readChannel(reader, id)]))
  return {
    gateway,
    agents,
    channels,
    schedules: readSchedules(reader),
    hooks: readHooks(reader, ['hooks'], HOOK_EVENTS),
    findings,
  }
}

// --- sections -----------------------------------------------------------------------------------------------------

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

function readAgent(reader: Reader, id: string): AgentPieces {
  const path = ['agents', id]
  const node = nodeAt(reader.root, path)
  if (node?.kind !== 'map') {
    if (!isOpen(node)) reader.findings.push(wrong(reader, path, "expected a mapping with the agent's keys"))
    return { keys: null, model: null, fallbackModels: [], vision: USUAL_VISION, transcription: null, hooks: {} }
  }
  const schema = valueOf(node, 'instructions')?.kind === 'map' ? agentWithFileSchema : agentSchema
  const reading = read<AgentKeys>(schema, plainOf(node, path))
  const keys = accept(reader, path, { reading, known: keysOf(agentSchema) })
  const model = readModel(reader, [...path, 'model'])
  const fallbackModels = readFallbackModels(reader, [...path, 'fallback_models'], model)
  const vision = readVision(reader, [...path, 'vision'], model)
  const transcription = readTranscription(reader, [...path, 'transcription'])
  const hooks = readHooks(reader, [...path, 'hooks'], AGENT_HOOK_EVENTS)
  return { keys, model, fallbackModels, vision, transcription, hooks }
}

function readChannel(reader: Reader, id: string): ChannelKeys | null {
  const path = ['channels', id]
  const node = nodeAt(reader.root, path)
  if (node?.kind !== 'map') {
    if (!isOpen(node)) reader.findings.push(wrong(reader, path, "expected a mapping with the channel's keys"))
    return null
  }
  const platform = platformNamed(textOf(valueOf(node, 'platform')))
  if (platform !== null) {
    const { schema } = platform
    const reading = read<ChannelKeys>(schema, plainOf(node, path))
    return accept(reader, path, { reading, known: keysOf(schema) })
  }
  chooseOne(reader, [...path, 'platform'], PLATFORMS)
  // Which keys it must have is unknown; those it has are held against the platform that objects to the fewest.
  const [nearest] = [...platforms.values()]
    .map(({ schema }) => ({ issues: issuesOfWhatIsThere(schema, { node, path }), known: keysOf(schema) }))
    .toSorted((a, b) => a.issues.length - b.issues.length)
  if (nearest !== undefined)
    accept(reader, path, { reading: { ok: false, issues: nearest.issues }, known: nearest.known })
  return null
}

function issuesOfWhatIsThere(schema: PlatformKeys['schema'], { node, path }: { node: Tree; path: Path }): Issue[] {
  const reading = read(schema, plainOf(node, path))
  if (reading.ok) return []
  const isThere = (issue: Issue) => issue.kind === 'unknownKey' || nodeAt(node, issue.path) !== undefined
  return reading.issues.filter((issue) => issue.path[0] !== 'platform' && isThere(issue))
}
