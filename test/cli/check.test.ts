// Check and init, through the real binary: what they say, what they leave behind, what they end with.

import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderWith, troupe, TWO } from './child.ts'
import { runHere } from './context.ts'

test('a file that is fine: what is in it, and 0', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  expect(await troupe(['check'], { folder })).toEqual({ code: 0, out: 'gateway.yaml: 2 agents, 2 channels\n', err: '' })
  expect(readdirSync(folder)).toEqual(['gateway.yaml'])
})

test('--json of a file that is fine', async () => {
  const { code, out } = await troupe(['check', '--json'], { folder: folderWith({ 'gateway.yaml': TWO }) })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toEqual({
    ok: true,
    file: 'gateway.yaml',
    agents: ['cfo', 'ops'],
    channels: ['cfo', 'ops'],
    problems: [],
    missing: [],
    wrong: [],
    warnings: [],
  })
})

test('S09 problems: all at once, on standard error, and 78', async () => {
  const folder = folderWith({ 'bots.yaml': TWO.replace('agents:', 'agent:').replace('drain', 'drian') })
  const { code, out, err } = await troupe(['check', '--config', 'bots.yaml'], { folder })
  expect({ code, out }).toEqual({ code: 78, out: '' })
  expect(err).toMatch(/^bots\.yaml:3:3 gateway\.drian: .*\(did you mean "drain"\?\)$/m)
  expect(err).toMatch(/^bots\.yaml:4:1 agent: .*\(did you mean "agents"\?\)$/m)
})

test('S09 --json of problems: each with its place, and 78', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO.replace('drain', 'drian') })
  const { code, out, err } = await troupe(['check', '--json'], { folder })
  expect({ code, err }).toEqual({ code: 78, err: '' })
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    problems: [{ file: 'gateway.yaml', line: 3, column: 3, path: 'gateway.drian', phase: 'validate' }],
  })
})

test('S05 only variables are missing: listed by name and owner, and 1', async () => {
  const channel = '  tg: { platform: telegram, agent: cfo, allowed_users: [1], token: "${CFO_TOKEN}" }\n'
  const folder = folderWith({ 'gateway.yaml': TWO + channel })
  const { code, out, err } = await troupe(['check'], { folder })
  expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('2 agents, 3 channels') })
  expect(err).toMatch(/^gateway\.yaml:10:\d+ channels\.tg\.token: the variable CFO_TOKEN is not set/)
  const json = await troupe(['check', '--json'], { folder })
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out)).toMatchObject({
    ok: false,
    problems: [],
    missing: [{ variable: 'CFO_TOKEN', owner: { kind: 'channel', id: 'tg' }, phase: 'secrets' }],
  })
  const environment = { CFO_TOKEN: `700001:${'r'.repeat(35)}` }
  expect(await troupe(['check'], { folder, environment })).toMatchObject({ code: 0, err: '' })
})

test('a warning is shown and changes no exit code', async () => {
  const channel = '  tg: { platform: telegram, agent: cfo, token: "${T}" }\n'
  const folder = folderWith({ 'gateway.yaml': TWO + channel })
  const { code, err } = await troupe(['check'], { folder, environment: { T: `700001:${'r'.repeat(35)}` } })
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('(a warning)') })
})

test('without a file: what to do, and 78', async () => {
  const { code, err } = await troupe(['check'], { folder: folderWith() })
  expect({ code, err }).toEqual({ code: 78, err: expect.stringMatching(/^gateway\.yaml:1:1 .*troupe init/) })
})

test('init makes the folder, its file passes check, and the schema that it names is beside it', async () => {
  const folder = folderWith()
  const { code, out } = await troupe(['init', 'new/bots'], { folder })
  expect(code).toBe(0)
  const made = join(folder, 'new/bots')
  expect(readdirSync(made)).toEqual(['gateway.schema.json', 'gateway.yaml'])
  expect(out).toContain(join('new/bots', 'gateway.yaml'))
  expect(out).toContain(join('new/bots', 'gateway.schema.json'))
  expect(readFileSync(join(made, 'gateway.yaml'), 'utf8')).toContain('$schema=./gateway.schema.json')
  expect(JSON.parse(readFileSync(join(made, 'gateway.schema.json'), 'utf8'))).toHaveProperty('$schema')
  expect(await troupe(['check'], { folder: made })).toMatchObject({ code: 0, err: '' })
})

test('init never overwrites: 1, and the file stays', async () => {
  const folder = folderWith({ 'gateway.yaml': 'mine' })
  const { code, err } = await troupe(['init'], { folder })
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('gateway.yaml is there already') })
  expect(readFileSync(join(folder, 'gateway.yaml'), 'utf8')).toBe('mine')
  expect(readdirSync(folder)).toEqual(['gateway.yaml'])
})

test('init does not write through a link, nor over somebody’s schema', async () => {
  const linked = folderWith()
  symlinkSync('elsewhere.yaml', join(linked, 'gateway.yaml'))
  expect(await troupe(['init'], { folder: linked })).toMatchObject({ code: 1 })
  expect(readdirSync(linked)).toEqual(['gateway.yaml'])
  const own = folderWith({ 'gateway.schema.json': 'mine' })
  expect(await troupe(['init'], { folder: own })).toMatchObject({ code: 0, out: expect.stringContaining('stays') })
  expect(readFileSync(join(own, 'gateway.schema.json'), 'utf8')).toBe('mine')
})

test('init where a file stands in the way: a sentence, and 1', async () => {
  const bots = join(folderWith({ bots: '' }), 'bots')
  for (const folder of [bots, join(bots, 'new')]) {
    const { code, err } = await runHere(['init', folder])
    expect({ code, err }).toEqual({ code: 1, err: `troupe: ${folder} is not a folder.\n` })
  }
})

test('init where no folder can be made: a sentence, and 1, and it is not tried for ever', async () => {
  // /proc says of it that a parent is missing, however often the parents are made.
  const { code, err } = await troupe(['init', '/proc/troupe/bots'], { folder: folderWith() })
  const said = 'troupe: /proc/troupe/bots cannot be written (ENOENT). Name another folder.\n'
  expect({ code, err }).toEqual({ code: 1, err: said })
})
