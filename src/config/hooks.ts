// Hooks: the programs that a file names for events: read entry by entry, and made definitions. What is told of every agent's turns becomes
// a part of each agent.
//   Whether a program is there is asked at the start, and not here: it is a thing of the machine.

import { resolve } from 'node:path'
import {
  AGENT_HOOK_EVENTS,
  type AgentHookEvent,
  GATEWAY_HOOK_EVENTS,
  type GatewayHookEvent,
  type HookDefinition,
  type HookEvent,
  type HooksOf,
  mayRefuse,
} from '../../machines/hooks.ts'
import { executableOf } from './agent-tools.ts'
import { HOOK_EXPECTED, type HookKeys, hookSchema, HOOKS_EXPECTED } from './hook-schema.ts'
import { keysOf, read } from './kinds.ts'
import { accept, plainOf, type Reader, unknownKey, wrong } from './reader.ts'
import { described, isOpen, keySpan, nodeAt, type Path, spanAt, type Tree, textOf, valueOf } from './tree.ts'

/** By event; an entry that cannot be read is left out, and named in a finding or missing. */
export type HookPieces = Readonly<Partial<Record<HookEvent, readonly HookKeys[]>>>

export function readHooks(reader: Reader, path: Path, events: readonly HookEvent[]): HookPieces {
  const node = nodeAt(reader.root, path)
  if (node === undefined || isOpen(node) || (node.kind === 'scalar' && node.value === null)) return {}
  if (node.kind !== 'map') {
    reader.findings.push(wrong(reader, path, 'expected a mapping of events to lists of hooks'))
    return {}
  }
  const read = [...node.entries.keys()].flatMap((key): [HookEvent, HookKeys[]][] => {
    const event = events.find((known) => known === key)
    if (event !== undefined) return [[event, readList(reader, [...path, key], event)]]
    reader.findings.push(unknownKey(reader, [...path, key], events))
    return []
  })
  return Object.fromEntries(read)
}

export function agentHooks(all: HookPieces, own: HookPieces, folder: string): HooksOf<AgentHookEvent> {
  const lists = AGENT_HOOK_EVENTS.map((event) => {
    const keys = [...(all[event] ?? []), ...(own[event] ?? [])]
    return [event, keys.map((each) => definitionOf(each, folder))] as const
  })
  return Object.fromEntries(lists.filter(([, list]) => list.length > 0))
}

export function gatewayHooks(all: HookPieces, folder: string): HooksOf<GatewayHookEvent> {
  const lists = GATEWAY_HOOK_EVENTS.map((event) => {
    return [event, (all[event] ?? []).map((each) => definitionOf(each, folder))] as const
  })
  return Object.fromEntries(lists.filter(([, list]) => list.length > 0))
}

// --- parts ------------------------------------------------------------------------------------------------------------

function readList(reader: Reader, path: Path, event: HookEvent): HookKeys[] {
  const node = nodeAt(reader.root, path)
  if (node === undefined || isOpen(node) || (node.kind === 'scalar' && node.value === null)) return []
  if (node.kind !== 'list') {
    reader.findings.push(wrong(reader, path, HOOKS_EXPECTED))
    return []
  }
  return node.items.flatMap((item, index) => {
    const keys = readHook(reader, [...path, index], item)
    if (keys === null) return []
    const placed = { path: [...path, index], item, event }
    return isRight(reader, placed, keys) ? [keys] : []
  })
}

function readHook(reader: Reader, path: Path, item: Tree): HookKeys | null {
  if (isOpen(item)) return null
  if (item.kind === 'list' || (item.kind === 'scalar' && textOf(item) === null)) {
    reader.findings.push(wrong(reader, path, HOOK_EXPECTED))
    return null
  }
  const plain = item.kind === 'map' ? plainOf(item, path) : { run: textOf(item) }
  return accept(reader, path, { reading: read<HookKeys>(hookSchema, plain), known: keysOf(hookSchema) })
}

interface Placed {
  readonly path: Path
  readonly item: Tree
  readonly event: HookEvent
}

function isRight(reader: Reader, { path, item, event }: Placed, keys: HookKeys): boolean {
  const { root, findings } = reader
  const before = findings.length
  const at = item.kind === 'map' ? [...path, 'run'] : path
  const mistake = pathMistake(keys.run)
  if (mistake !== null) findings.push({ span: spanAt(root, at), path: at, message: mistake, wholeFile: true })
  if (valueOf(item, 'on_failure') !== undefined && !mayRefuse(event)) {
    const place = [...path, 'on_failure']
    const message = `has no effect on ${event}: nothing of it can be refused`
    findings.push({ span: keySpan(root, place) ?? spanAt(root, place), path: place, message, wholeFile: true })
  }
  return findings.length === before
}

const MODULE = /\.[cm]?[jt]s$/

function pathMistake(text: string): string | null {
  if (/^~(\/|$)/.test(text)) return 'the sign ~ is not replaced here: write ${HOME} instead'
  if (/\p{Cc}/u.test(text)) return 'expected a path on one line, without control characters'
  // A bare word is looked for in PATH; there a space is the beginning of an argument.
  return !text.includes('/') && /\s/.test(text)
    ? `${HOOK_EXPECTED}, without arguments, found ${described(textNode(text))}`
    : null
}

function textNode(value: string): Tree {
  return { kind: 'scalar', start: 0, end: 0, value, written: value, variables: [], unset: [], broken: false }
}

function definitionOf({ run, timeout, on_failure: onFailure }: HookKeys, folder: string): HookDefinition {
  const isModule = MODULE.test(run)
  const path = isModule ? resolve(folder, run) : executableOf(run, folder)
  return { kind: isModule ? 'module' : 'executable', path, timeoutMs: timeout, onFailure }
}
