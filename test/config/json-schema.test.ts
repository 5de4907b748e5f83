// JSON Schema: the committed copy is current, explains every key, takes good files and refuses typos.

import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fromJSONSchema } from 'zod'
import { jsonSchema } from './schema-for-editors.ts'
import { fixtureText } from './support.ts'

const COPY = new URL('../../src/config/gateway.schema.json', import.meta.url)
const HOW =
  'the schema has changed: run UPDATE_SCHEMA=1 npm test -- test/config/json-schema.test.ts, then npm run format'

if (process.env['UPDATE_SCHEMA'] !== undefined) writeFileSync(COPY, `${JSON.stringify(jsonSchema(), null, 2)}\n`)

const committed = JSON.parse(readFileSync(COPY, 'utf8'))

/** The schema's verdict, by an implementation that is not ours. */
function accepts(schema: Record<string, unknown>, file: unknown): boolean {
  return fromJSONSchema(schema).safeParse(file).success
}

/** Keys without an explanation. */
function unexplained(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return []
  const properties =
    'properties' in node && typeof node.properties === 'object' ? Object.entries(node.properties ?? {}) : []
  const bare = properties.filter(([, value]) => typeof value?.description !== 'string').map(([key]) => `${path}.${key}`)
  return [...bare, ...Object.entries(node).flatMap(([key, part]) => unexplained(part, `${path}.${key}`))]
}

describe('the committed copy', () => {
  test('is what the schema says now', () => expect(committed, HOW).toEqual(jsonSchema()))

  test('a copy that lacks one key is found', () => {
    const old = structuredClone(committed)
    delete old.properties.gateway.properties.drain
    expect(old).not.toEqual(jsonSchema())
  })

  test('explains every key', () => {
    const sections = unexplained(committed).filter(
      (path) => !['.agents', '.channels', '.gateway', '.schedules', '.hooks'].includes(path),
    )
    expect(sections).toEqual([])
    expect(unexplained({ properties: { a: { type: 'string' } } })).toEqual(['.a'])
  })
})

describe('verdicts', () => {
  const example = () => parse(readFileSync(new URL('../../src/config/example.yaml', import.meta.url), 'utf8'))
  const everyKey = () => {
    // Braces of variables inside brackets are ours to read; an editor's YAML needs quotes there.
    return parse(fixtureText('every-key.yaml').replaceAll(/api_key: (\$\{(?:SPEECH_)?KEY\})/g, 'api_key: "$1"'))
  }

  test('the example and a file with every key are taken, with variables in place of any value', () => {
    expect(accepts(committed, example())).toBe(true)
    expect(accepts(committed, everyKey())).toBe(true)
    const varied = everyKey()
    Object.assign(varied.gateway, { drain: '${D}', concurrent_runs: '${N}' })
    Object.assign(varied.channels.zeta, { busy_mode: '${M}', unknown_user_policy: '${P}', queue_limit: '${Q}' })
    expect(accepts(committed, varied)).toBe(true)
  })

  test.each<[string, (file: ReturnType<typeof everyKey>) => unknown]>([
    ['a section', (file) => Object.assign(file, { gatway: {} })],
    ['a gateway key', (file) => Object.assign(file.gateway, { prot: 1 })],
    ['an agent key', (file) => Object.assign(file.agents.slow, { instrctions: 'x' })],
    ['a model key', (file) => Object.assign(file.agents.local.model, { bse_url: 'x' })],
    ['a model', (file) => Object.assign(file.agents.short, { model: 'antropic:x' })],
    ['an approval', (file) => Object.assign(file.agents.slow.approval, { shell: 'maybe' })],
    ['a list of tools', (file) => Object.assign(file.agents.slow, { tools: 'files' })],
    ['a key of http', (file) => Object.assign(file.agents.slow.http, { alow: [] })],
    ['a channel key', (file) => Object.assign(file.channels.zeta, { agnt: 'slow' })],
    ['a platform', (file) => Object.assign(file.channels.zeta, { platform: 'telgram' })],
    ['a vision', (file) => Object.assign(file.agents.hosted.vision, { show: 'always' })],
    ['a describer', (file) => Object.assign(file.agents.hosted.vision, { describe_with: 'echo' })],
    ['a policy', (file) => Object.assign(file.channels.zeta, { unknown_user_policy: 'alow' })],
    ['a route', (file) => Object.assign(file.channels.zeta.routes, { defalt: 'slow' })],
    ['a duration', (file) => Object.assign(file.gateway, { drain: 20 })],
    ['an id', (file) => Object.assign(file.channels, { 'a b': file.channels.alpha })],
    ['a key without effect', (file) => Object.assign(file.channels.alpha, { token: 'x' })],
    ['no agents', (file) => delete file.agents],
  ])('%s: refused', (_, spoil) => {
    const file = everyKey()
    spoil(file)
    expect(accepts(committed, file)).toBe(false)
  })
})
