// Instructions: what an agent is told, from the file that its own names. It is read with the configuration and is part of the
// definition, so that a newer text makes another definition.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { described, entriesOf, type Finding, nodeAt, type Path, spanAt, textOf, type Tree, valueOf } from './tree.ts'

/** More than any model takes in at once. */
const INSTRUCTIONS_BYTES_MAX = 1024 * 1024

export interface Instructions {
  /** By agent; an agent whose instructions stand in the configuration is not among them. */
  readonly texts: ReadonlyMap<string, string>
  /** Absolute paths of what was read. */
  readonly files: readonly string[]
  readonly findings: readonly Finding[]
}

/** Relative paths begin in `folder`. */
export function readInstructions(root: Tree, folder: string): Instructions {
  const texts = new Map<string, string>()
  const files: string[] = []
  const findings: Finding[] = []
  for (const [id, { value: agent }] of entriesOf(valueOf(root, 'agents'))) {
    const path = ['agents', id, 'instructions', 'file']
    const given = textOf(nodeAt(agent, ['instructions', 'file']))
    if (given === null || given === '') continue
    const read = textIn(given, folder)
    if ('text' in read) {
      texts.set(id, read.text)
      files.push(read.file)
    } else findings.push(finding(root, path, read.mistake))
  }
  return { texts, files, findings }
}

function textIn(given: string, folder: string): { text: string; file: string } | { mistake: string } {
  if (/^~(\/|$)/.test(given)) return { mistake: 'the sign ~ is not replaced here: write ${HOME} instead' }
  const file = resolve(folder, given)
  try {
    const about = statSync(file)
    if (!about.isFile()) return { mistake: 'expected a file with text, found something else' }
    if (about.size > INSTRUCTIONS_BYTES_MAX) return { mistake: 'the file is larger than 1 MB: expected instructions' }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)), file }
  } catch (thrown) {
    return { mistake: mistakeOf(thrown) }
  }
}

function mistakeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'the file is not text in UTF-8'
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file; a relative path begins beside this one'
  return `the file cannot be read${code === '' ? '' : ` (${code})`}`
}

function finding(root: Tree, path: Path, mistake: string): Finding {
  const node = nodeAt(root, path)
  const found = node === undefined ? '' : `: ${described(node)}`
  return { span: spanAt(root, path), path, message: `${mistake}${found}` }
}
