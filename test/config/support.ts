// Support of the configuration tests: load a text, read its problems as lines, look for values where they must not be.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type Loaded, loadText } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problems.ts'

export type Variables = Record<string, string | undefined>

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/config/${name}`, import.meta.url))
}

export function fixtureText(name: string): string {
  return readFileSync(fixture(name), 'utf8')
}

/** A folder that is gone when the test is over. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'troupe-config-test-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

/** The problems of a text as a person reads them; none when it loads. */
export function problemsOf(text: string | Uint8Array, environment: Variables = {}, envFileText = ''): string[] {
  const content = typeof text === 'string' ? { text } : { bytes: text }
  const result = loadText({ file: 'g.yaml', ...content, environment, envFileText })
  return result.ok ? [] : result.problems.map(formatProblem)
}

/** The loaded text; throws with its problems when it has any. */
export function loaded(text: string, environment: Variables = {}, envFileText = ''): Loaded {
  const result = loadText({ file: 'g.yaml', text, environment, envFileText })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.loaded
}

/** A small valid file with one agent `cfo` and the given channels (indented by two). */
export function withChannels(channels: string): string {
  return `agents:\n  cfo: { model: echo }\n  ops: { model: echo }\nchannels:\n${channels}\n`
}

/** A small valid file with the given lines in its gateway section. */
export function withGateway(...lines: string[]): string {
  const section = lines.map((line) => `  ${line}\n`).join('')
  return `gateway:\n${section}${withChannels('  web: { platform: web, agent: cfo }')}`
}

/** Values of which any text of `thing`, however printed, contains at least one. */
export function spilled(thing: unknown, values: readonly string[]): string[] {
  const text = JSON.stringify(thing) ?? ''
  return values.filter((value) => text.includes(value))
}

/** Paths of parts that are not frozen. */
export function unfrozen(value: unknown, path = '$'): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = Object.isFrozen(value) ? [] : [path]
  return [...own, ...Object.entries(value).flatMap(([key, part]) => unfrozen(part, `${path}.${key}`))]
}
