// Own modules: what is to be done about one that cannot be loaded, held against the words of the Node that runs.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadRemedy } from '../../machines/own-modules.ts'

test.each([
  ['import.ts', `import { join } from 'node:path'; export default join`, '.mts'],
  ['export.js', 'export default 7', '.mjs'],
])('%s in a folder of commonjs: its package.json, or its name', (name, source, ending) => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-own-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  writeFileSync(join(folder, name), source)
  const load = `import('./${name}').catch(({ message }) => console.log(message))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', load], { cwd: folder, encoding: 'utf8' })
  expect(loadRemedy(name, new Error(stdout))).toBe(
    `Say "type": "module" in the package.json above ${name}, or give it a name that ends in ${ending}`,
  )
})

test('anything else is to be mended', () => {
  for (const thrown of [new Error("Cannot find package 'x'"), 7]) expect(loadRemedy('a.ts', thrown)).toBe('Mend a.ts')
})
