// Agent folders: the working folders that a file gives its agents: none is anybody else's by accident, and none holds the
// configuration or the store, which an agent must not read.

import { realpathSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import type { AgentDefinition } from '../../machines/definitions.ts'
import type { AgentPlace } from './agent-tools.ts'
import { suggestion } from './problems.ts'
import { type Finding, isOpen, keySpan, type Path, quoted, spanAt, textOf, type Tree, valueOf } from './tree.ts'

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
  const folders = places.flatMap((place) => {
    const text = textOf(valueOf(place.node, 'workdir'))
    if (text === null || text === '' || WORDS.includes(text) || pathMistake(text) !== null) return []
    return [{ place, path: resolve(place.folder, text) }]
  })
  return places.flatMap((place) => {
    const path = folders.find((one) => one.place === place)?.path
    const others = folders.filter((one) => one.place !== place && path !== undefined && overlap(one.path, path))
    const shared = valueOf(place.node, 'shared_workdir')
    const isShared = shared?.kind === 'scalar' && shared.value === true
    if (isOpen(shared) || isOpen(valueOf(place.node, 'workdir'))) return []
    const [first] = others
    if (first !== undefined && !isShared) {
      const message = `agents.${first.place.id} works in this folder too: give each its own, or say shared_workdir: true in both`
      return [finding(place, ['workdir'], message)]
    }
    if (!isShared || first !== undefined) return []
    const reason = path === undefined ? 'workdir is not a path' : 'no other agent works in this folder'
    return [finding(place, ['shared_workdir'], `has no effect: ${reason}`)]
  })
}

function overlap(one: string, other: string): boolean {
  return within(one, other) || within(other, one)
}

/** Whether `inner` is `outer` or below it, with links followed where they exist. */
function within(inner: string, outer: string): boolean {
  const [below, above] = [real(inner), real(outer)]
  return below === above || below.startsWith(above.endsWith(sep) ? above : `${above}${sep}`)
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

/** Every agent of the file that is a mapping. */
export function placesOf(root: Tree, folder: string): AgentPlace[] {
  const agents = valueOf(root, 'agents')
  if (agents?.kind !== 'map') return []
  return [...agents.entries].map(([id, { value: node }]) => ({ root, id, node, folder }))
}
