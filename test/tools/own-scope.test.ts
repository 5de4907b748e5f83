// Own scope: what a module of the user began and did not wait for is known for its own, whatever it is, and what is ours is not.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { callModule } from '../../src/tools/hook-module.ts'
import { ownTool } from '../../src/tools/own.ts'
import { ownerOfStray } from '../../src/tools/own-scope.ts'
import { ANNA, temporaryFolder, world } from './parts.ts'

/** Begun in the test's own process, where modules reach it by name. */
const SEEN = 'troupeOwnScopeSeen'

/** What the modules of a test do beside their calls: each way that was gone, and whose it was. */
function watching() {
  const seen: string[] = []
  const all = Promise.withResolvers<void>()
  Object.assign(globalThis, {
    [SEEN]: (way: string) => {
      seen.push(`${way} of ${ownerOfStray()}`)
      if (seen.length === WAYS.length) all.resolve()
    },
  })
  onTestFinished(() => void Reflect.deleteProperty(globalThis, SEEN))
  return { seen, all: all.promise }
}

const WAYS = ['timer', 'promise', 'tick', 'file']

/** Goes every way, and waits for none. */
const STRAY = `
import { readFile } from 'node:fs'
const stray = () => {
  const seen = (way) => globalThis.${SEEN}(way)
  setTimeout(() => seen('timer'), 1)
  void Promise.reject(new Error('x')).catch(() => seen('promise'))
  process.nextTick(() => seen('tick'))
  readFile('/nowhere', () => seen('file'))
}`

const NEVER = new AbortController().signal

function module(name: string, source: string): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, `${STRAY}\n${source}`)
  return path
}

const BEGUN: Readonly<Record<string, readonly [owner: string, begin: () => Promise<unknown>]>> = {
  'a call of a tool': [
    'the tool invoice',
    async () => {
      const path = module('invoice.mjs', `export default { description: 'x', call: () => { stray(); return 'y' } }`)
      const tool = await ownTool(path, world())
      return tool.call({}, { id: 'turn-1.c1', signal: NEVER, workdir: '', sender: ANNA })
    },
  ],
  'the loading of a tool': [
    'the tool early.mjs',
    () => ownTool(module('early.mjs', `stray()\nexport default { description: 'x', call: () => 'y' }`), world()),
  ],
  'a call of a hook': [
    'the hook rates.mjs',
    () => callModule(module('rates.mjs', 'export default () => stray()'), { event: 'run.start', id: '1' }, NEVER),
  ],
}

test.each(Object.entries(BEGUN))('%s', async (_, [owner, begin]) => {
  const { seen, all } = watching()
  await begin()
  // What goes on after it is ours again.
  expect(ownerOfStray()).toBeNull()
  await all
  expect(seen.toSorted()).toEqual(WAYS.map((way) => `${way} of ${owner}`).toSorted())
})
