// Cleared: what a turn leaves in its work folder is removed, and nothing of anybody else, nothing through a link, and nothing is made.

import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { clearFolder } from '../../src/tools/cleared.ts'
import { temporaryIn } from '../../src/tools/shell.ts'
import { openWorkdir } from '../../src/tools/workdir.ts'
import { testAgent } from '../support/definitions.ts'
import { temporaryFolder, world } from './parts.ts'

function place(given: Partial<AgentDefinition> = {}) {
  const data = temporaryFolder()
  const definition = testAgent('cfo', { tools: ['files', 'shell'], ...given })
  const of = { definition, session: 'tg/7', turn: 'turn-7', data, seqs: [7] }
  const open = () => openWorkdir({ ...of, hidden: [], world: world() })
  return { of, open, clear: (rest: Partial<typeof of> = {}) => clearFolder({ ...of, ...rest }) }
}

const NAMES = ['.7-1-x.draft', '.77-1-x.draft', '.notes.draft', '7-1-a.txt', '8-1-b.txt']

function filled(root: string, data: string): void {
  for (const turn of ['turn-7', 'turn-8']) mkdirSync(temporaryIn(root, { data, session: 'tg/7', turn }))
  writeFileSync(join(temporaryIn(root, { data, session: 'tg/7', turn: 'turn-7' }), 'left'), 'x')
  mkdirSync(join(root, 'received'))
  for (const name of NAMES) writeFileSync(join(root, 'received', name), 'x')
  writeFileSync(join(root, 'notes.txt'), 'x')
}

test('of a folder that stays what was made for the turn alone goes, and the rest stays', async () => {
  const given = temporaryFolder()
  for (const workdir of ['per_session', { path: given }] as const) {
    const { of, open, clear } = place({ workdir })
    const { path } = await open()
    filled(path, of.data)
    for (let times = 0; times < 2; times += 1) await clear()
    const other = temporaryIn('', { data: of.data, session: 'tg/7', turn: 'turn-8' })
    expect(readdirSync(path).toSorted()).toEqual([other, 'notes.txt', 'received'])
    expect(readdirSync(join(path, 'received')).toSorted()).toEqual(NAMES.slice(1))
  }
})

test('the folder of a run goes whole, and that of its session stays', async () => {
  const run = place({ workdir: 'per_run' })
  const { path } = await run.open()
  filled(path, run.of.data)
  const session = await openWorkdir({ ...run.of, definition: testAgent('cfo'), hidden: [], world: world() })
  await run.clear()
  expect([existsSync(path), existsSync(session.path)]).toEqual([false, true])
})

test('where no folder is, none is made; and an agent whose tools have none has its session’s', async () => {
  const { of, clear } = place()
  await clear()
  expect(readdirSync(of.data)).toEqual([])
  const bare = place({ tools: ['memory'], workdir: 'per_run' })
  const { path } = await openWorkdir({ ...bare.of, definition: testAgent('cfo'), hidden: [], world: world() })
  filled(path, bare.of.data)
  await bare.clear()
  expect(readdirSync(join(path, 'received')).toSorted()).toEqual(NAMES.slice(1))
})

test('nothing is removed through a link that a command left', async () => {
  const { of, open, clear } = place()
  const [{ path }, elsewhere] = [await open(), temporaryFolder()]
  for (const name of NAMES) writeFileSync(join(elsewhere, name), 'x')
  symlinkSync(elsewhere, join(path, 'received'))
  symlinkSync(elsewhere, temporaryIn(path, { data: of.data, session: 'tg/7', turn: 'turn-7' }))
  await expect(clear()).rejects.toThrow('leads out of the working folder')
  expect([readdirSync(elsewhere).toSorted(), readdirSync(path)]).toEqual([NAMES, ['received']])
})
