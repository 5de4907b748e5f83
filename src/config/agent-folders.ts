// Agent folders: the working folders that a file gives its agents: none is anybody else's by accident, and none holds the
// configuration or the store, which an agent must not read.

import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { AgentDefinition } from '../../machines/definitions.ts'
import type { AgentPlace } from './agent-tools.ts'
import { suggestion } from './problems.ts'
import { type Finding, isOpen, keySpan, type Path, quoted, spanAt, textOf, valueOf } from './tree.ts'

export function foldersFindings(places: readonly AgentPlace[]): Finding[] {
  return [...places.flatMap(folderFindings), ...sharingFindings(places)]
}

export function workdirOf(text: string, folder: string): AgentDefinition['workdir'] {
  return text === 'per_run' || text === 'per_session' ? text : { path: resolve(folder, text) }
}

const WORDS = ['per_run', 'per_session']

function folderFindings(place: AgentPlace): Finding[] {
  const text = textOf(valueOf(place.node, 'workdir'))
  if (text === null || text === '' || WORDS.includes(text)) return []
  const message = pathMistake(text) ?? placeMistake(place, resolve(place.folder, text))
  return message === null ? [] : [finding(place, ['workdir'], message)]
}

function pathMistake(text: string): string | null {
  if (/^~(\/|$)/.test(text)) return 'the sign ~ is not replaced here: write ${HOME} instead'
  if (/\p{Cc}/u.test(text)) return 'expected a folder on one line, without control characters'
  // A bare word is a mistyped word far more often than a folder.
  if (text.includes('/') || /^\.+$/.test(text)) return null
  return `unknown value ${quoted(text)}: expected per_run, per_session, or a path such as ./work${suggestion(text, WORDS)}`
}

function placeMistake({ root, folder }: AgentPlace, path: string): string | null {
  const data = resolve(folder, textOf(valueOf(valueOf(root, 'gateway'), 'data')) ?? './.troupe')
  if (overlap(path, data)) return 'the data folder holds what everybody wrote: choose a folder apart from it'
  if (!within(resolve(folder), path)) return null
  return 'this folder holds the configuration, and whatever is beside it: choose one below it, such as ./work'
}

/** A folder of two agents is said to be one by both. */
function sharingFindings(places: readonly AgentPlace[]): Finding[] {
  const others = othersIn(places)
  return places.flatMap((place) => {
    const shared = valueOf(place.node, 'shared_workdir')
    if (isOpen(shared) || isOpen(valueOf(place.node, 'workdir'))) return []
    const isShared = shared?.kind === 'scalar' && shared.value === true
    const other = others.get(place)
    if (other !== undefined && !isShared) {
      const message = `agents.${other.id} works in this folder too: give each its own, or say shared_workdir: true in both`
      return [finding(place, ['workdir'], message)]
    }
    if (!isShared || other !== undefined) return []
    const reason = givenFolder(place) === null ? 'workdir is not a path' : 'no other agent works in this folder'
    return [finding(place, ['shared_workdir'], `has no effect: ${reason}`)]
  })
}

/** For each agent one that works in the same folder, or above or below it. A step for each folder on each path: many agents are no burden. */
function othersIn(places: readonly AgentPlace[]): ReadonlyMap<AgentPlace, AgentPlace> {
  const byPath = new Map<string, AgentPlace[]>()
  for (const place of places) {
    const path = givenFolder(place)
    if (path !== null) byPath.set(path, [...(byPath.get(path) ?? []), place].slice(0, 2))
  }
  const others = new Map<AgentPlace, AgentPlace>()
  for (const place of places) {
    const path = givenFolder(place)
    for (const above of path === null ? [] : upwards(path)) {
      const other = byPath.get(above)?.find((one) => one !== place)
      if (other === undefined) continue
      if (!others.has(place)) others.set(place, other)
      if (!others.has(other)) others.set(other, place)
    }
  }
  return others
}

/** The path, the folder that it is in, and so on. */
function upwards(path: string): string[] {
  const parent = resolve(path, '..')
  return parent === path ? [path] : [path, ...upwards(parent)]
}

/** The real path of a folder that the file gives; null: it gives none. */
function givenFolder({ node, folder }: AgentPlace): string | null {
  const text = textOf(valueOf(node, 'workdir'))
  if (text === null || text === '' || WORDS.includes(text) || pathMistake(text) !== null) return null
  return real(resolve(folder, text))
}

function overlap(one: string, other: string): boolean {
  return within(one, other) || within(other, one)
}

/** Whether `inner` is `outer` or below it, with links followed where they exist. */
function within(inner: string, outer: string): boolean {
  return upwards(real(inner)).includes(real(outer))
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = resolve(path, '..')
    return parent === path ? path : resolve(real(parent), path.slice(parent.length).replace(/^[/\\]+/, ''))
  }
}

function finding({ root, id }: AgentPlace, below: Path, message: string): Finding {
  const path = ['agents', id, ...below]
  const isKey = below.at(-1) === 'shared_workdir'
  return { span: (isKey ? keySpan(root, path) : null) ?? spanAt(root, path), path, message, wholeFile: true }
}
