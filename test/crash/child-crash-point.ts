// Child: `node --import` this, and the program that follows comes by the named points of a crash run. The program's own files
// stay as they are: where one of DOORS is loaded, a module is put in front of it that wraps what it exports.

import { registerHooks } from 'node:module'
import { DOORS } from './doors.ts'

const ROOT = new URL('../../', import.meta.url).href

/** Behind this query lies the file itself. */
const BEHIND = '?behind'

registerHooks({
  load(url, context, nextLoad) {
    const names = url.startsWith(ROOT) ? Object.keys(DOORS[url.slice(ROOT.length)] ?? {}) : []
    if (names.length === 0) return nextLoad(url, context)
    return { format: 'module', source: inFrontOf(url, names), shortCircuit: true }
  },
})

/** What is exported here by name hides what comes with the star. */
function inFrontOf(url: string, names: readonly string[]): string {
  const [behind, doors] = [`${url}${BEHIND}`, new URL('doors.ts', import.meta.url).href].map((each) =>
    JSON.stringify(each),
  )
  const door = `DOORS[${JSON.stringify(url.slice(ROOT.length))}]`
  return [
    `import * as inner from ${behind}`,
    `import { DOORS } from ${doors}`,
    `export * from ${behind}`,
    ...names.map((name) => `export const ${name} = ${door}.${name}(inner.${name})`),
  ].join('\n')
}
