// Build: what the published package carries, into the folder given as the only argument (dist/ otherwise).
// Compiles machines/, src/ and what `troupe/testing` needs of test/ one file to one file, and copies what is not TypeScript: the entry, the page, data, notes.
// Beside them a package.json with name, version and module type: one folder above src/ there as here, so that the same code
// finds the version in both.

import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const target = resolve(process.argv[2] ?? join(root, 'dist'))

rmSync(target, { recursive: true, force: true })
const compiler = join(root, 'node_modules/typescript/bin/tsc')
// The program, and what users import, with its types.
for (const project of ['tsconfig.build.json', 'tsconfig.types.json']) {
  // One checker: several do much of the same work again, which is more than twice the processor's time for this code.
  const arguments_ = [compiler, '--singleThreaded', '-p', join(root, 'test/tooling', project), '--outDir', target]
  const compiled = spawnSync(process.execPath, arguments_, { stdio: 'inherit' })
  if (compiled.status === 0) continue
  console.error('Nothing was built: the compiler found the errors above. Mend them and build again.')
  process.exit(1)
}

for (const folder of ['src', 'machines']) {
  const isAsset = (/** @type {string} */ path) => !/\.(ts|md)$/.test(path)
  cpSync(join(root, folder), join(target, folder), { recursive: true, filter: isAsset })
}
const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
writeFileSync(join(target, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`)
