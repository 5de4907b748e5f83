// Lockfile: `npm ci` accepts it. npm refuses a lockfile in which an optional package of some other platform is missing, and
// leaves exactly those out when the registry did not serve them.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

test('no optional package is missing from the lockfile', () => {
  expect(complete('.', ['--check'])).toEqual({ status: 0, errors: '' })
})

test('the lockfile is the one of package.json', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const { dependencies, devDependencies, workspaces } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(packages['']).toMatchObject({ dependencies, devDependencies, workspaces })
})

test('a missing package is found, named and written with its platform', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-lockfile-'))
  const path = join(folder, 'package-lock.json')
  const tool = { version: '1.0.0', dev: true, optionalDependencies: { 'tool-linux-x64-musl': '1.0.0' } }
  writeFileSync(path, JSON.stringify({ packages: { '': {}, 'node_modules/a/node_modules/tool': tool } }))

  const { status, errors } = complete(folder, ['--check'])
  expect({ status, errors }).toEqual({
    status: 1,
    errors: expect.stringContaining('a/node_modules/tool-linux-x64-musl'),
  })

  expect(complete(folder, []).status).toBe(0)
  expect(complete(folder, ['--check'])).toEqual({ status: 0, errors: '' })
  expect(JSON.parse(readFileSync(path, 'utf8')).packages['node_modules/a/node_modules/tool-linux-x64-musl']).toEqual({
    version: '1.0.0',
    cpu: ['x64'],
    libc: ['musl'],
    os: ['linux'],
    dev: true,
    optional: true,
  })
  rmSync(folder, { recursive: true })
})

function complete(folder: string, args: readonly string[]): { status: number | null; errors: string } {
  const script = resolve('test/tooling/complete-lockfile.js')
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8' })
  return { status, errors: stderr }
}
