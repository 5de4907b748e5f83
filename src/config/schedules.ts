// Schedules: the list of texts that are said at times of their own: read entry by entry, held against the rest of the file, and made
// definitions.
//   A variable that is not set spoils its own entry and no other.

import { createHash } from 'node:crypto'
import type { ScheduleDefinition } from '../../machines/definitions.ts'
import { machineTimeZone } from '../world.ts'
import { cronMistake } from './cron.ts'
import { keysOf, read } from './kinds.ts'
import { platformNamed } from './platforms.ts'
import { suggestion } from './problems.ts'
import { accept, plainOf, type Reader, wrong } from './reader.ts'
import { type ScheduleKeys, scheduleSchema, SCHEDULES_EXPECTED } from './schedule-schema.ts'
import { timeZoneMistake } from './session-reset.ts'
import { described, type Finding, isOpen, nodeAt, type Path, spanAt, textOf, type Tree, valueOf } from './tree.ts'
import { SCHEDULES_MAX, TEXT_UNITS_MAX } from '../../machines/limits.ts'

/** In the order of the file; null where a finding or an unset variable stands in the way. */
export function readSchedules(reader: Reader): (ScheduleKeys | null)[] {
  const node = valueOf(reader.root, 'schedules')
  // An empty section, its entries all commented out, is a section without any.
  if (node === undefined || isOpen(node) || (node.kind === 'scalar' && node.value === null)) return []
  if (node.kind !== 'list') {
    reader.findings.push(wrong(reader, ['schedules'], SCHEDULES_EXPECTED))
    return []
  }
  if (node.items.length > SCHEDULES_MAX)
    reader.findings.push(wrong(reader, ['schedules'], `expected at most ${SCHEDULES_MAX} schedules`))
  return node.items.slice(0, SCHEDULES_MAX).map((item, index) => {
    const path = ['schedules', index]
    if (item.kind === 'map')
      return accept(reader, path, { reading: read(scheduleSchema, plainOf(item, path)), known: keysOf(scheduleSchema) })
    if (!isOpen(item)) reader.findings.push(wrong(reader, path, 'expected a mapping with the keys of a schedule'))
    return null
  })
}

export function scheduleFindings(root: Tree): Finding[] {
  const list = valueOf(root, 'schedules')
  const items = list?.kind === 'list' ? list.items.slice(0, SCHEDULES_MAX) : []
  return [
    ...items.flatMap((item, index) => entryFindings(root, item, ['schedules', index])),
    ...nameFindings(root, items),
  ]
}

/** By name; an entry with an unset variable is left out. */
export function scheduleDefinitions(
  pieces: readonly (ScheduleKeys | null)[],
  isSpoilt: (index: number) => boolean,
): Record<string, ScheduleDefinition> {
  const whole = pieces.flatMap((keys, index) => (keys === null || isSpoilt(index) ? [] : [definitionOf(keys)]))
  return Object.fromEntries(whole.map((schedule) => [schedule.name, schedule]))
}

// --- one entry --------------------------------------------------------------------------------------------------------

function entryFindings(root: Tree, item: Tree, path: Path): Finding[] {
  const cron = textOf(valueOf(item, 'cron'))
  const text = textOf(valueOf(item, 'text'))
  const mistakes: [key: string, mistake: string | null][] = [
    ['cron', cron === null || cron === '' ? null : cronMistake(cron)],
    ['time_zone', timeZoneMistake(textOf(valueOf(item, 'time_zone')))],
    ['channel', unknownId(root, 'channels', valueOf(item, 'channel'))],
    ['agent', unknownId(root, 'agents', valueOf(item, 'agent'))],
    ['conversation', conversationMistake(root, item)],
    ['text', text !== null && text.length > TEXT_UNITS_MAX ? 'expected a text that one message can hold' : null],
  ]
  return mistakes.flatMap(([key, message]) => (message === null ? [] : [finding(root, [...path, key], message)]))
}

function unknownId(root: Tree, section: 'agents' | 'channels', node: Tree | undefined): string | null {
  const id = textOf(node)
  const known = valueOf(root, section)
  if (node === undefined || id === null || id === '' || known?.kind !== 'map' || known.entries.has(id)) return null
  return `unknown ${section.slice(0, -1)} ${described(node)}${suggestion(id, known.entries.keys())}`
}

function conversationMistake(root: Tree, item: Tree): string | null {
  const node = valueOf(item, 'conversation')
  const channel = textOf(valueOf(item, 'channel'))
  const platform = channel === null ? null : textOf(nodeAt(root, ['channels', channel, 'platform']))
  const form = platformNamed(platform)?.conversation ?? null
  if (form === null || node?.kind !== 'scalar' || isOpen(node) || node.value === null) return null
  return form.pattern.test(String(node.value)) ? null : `${form.expected}, found ${described(node)}`
}

/** Two of one name would share one record of what was said. */
function nameFindings(root: Tree, items: readonly Tree[]): Finding[] {
  const firsts = new Map<string, number>()
  return items.flatMap((item, index) => {
    const given = textOf(valueOf(item, 'name'))
    const name = given ?? sayingOf(item)
    if (name === null || name === '') return []
    const first = firsts.get(name)
    if (first === undefined) firsts.set(name, index)
    if (first === undefined) return []
    const message = given === null ? 'says the same' : 'has this name'
    return [
      finding(
        root,
        ['schedules', index, ...(given === null ? [] : ['name'])],
        `schedules[${first}] ${message} already`,
      ),
    ]
  })
}

/** All that an entry without a name says; null: it has one, or is not known. */
function sayingOf(item: Tree): string | null {
  if (item.kind !== 'map' || item.entries.has('name')) return null
  const values = [...item.entries]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { value }]) => {
      return value.kind === 'scalar' && !isOpen(value) ? `${key} ${JSON.stringify(value.value)}` : null
    })
  return values.includes(null) ? null : values.join('\n')
}

// --- definitions ------------------------------------------------------------------------------------------------------

function definitionOf(keys: ScheduleKeys): ScheduleDefinition {
  const { cron, time_zone: timeZone = machineTimeZone(), agent = null, channel, conversation, text } = keys
  const said = {
    cron: cron.trim().split(/\s+/).join(' '),
    timeZone,
    agent,
    channel,
    conversation: String(conversation),
    text,
  }
  return { name: keys.name ?? nameFor(said), ...said }
}

/** The same as long as it says the same: another text or time makes another schedule. */
function nameFor(said: Omit<ScheduleDefinition, 'name'>): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(Object.values(said)))
    .digest('hex')
  return `${said.channel}-${digest.slice(0, 8)}`
}

function finding(root: Tree, path: Path, message: string): Finding {
  return { span: spanAt(root, path), path, message, wholeFile: true }
}
