// Tools: what the acting agent of a town can do: two modules of the operator's own, each of which writes down that it was
// called. What `deed` does must not be done twice; what `look` does may be.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const TOOLS = ['deed', 'look'] as const

/** Writes the modules into the folder of a gateway.yaml; returns what that file says of them. */
export function writeTools(folder: string): string[] {
  mkdirSync(join(folder, 'tools'))
  return TOOLS.map((name) => {
    writeFileSync(join(folder, 'tools', `${name}.mjs`), moduleOf(name, callsPath(folder, name)))
    return `./tools/${name}.mjs`
  })
}

/** With what a tool was called, in the order of the calls. */
export function callsOf(folder: string, name: (typeof TOOLS)[number]): string[] {
  const path = callsPath(folder, name)
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
}

function callsPath(folder: string, name: string): string {
  return join(folder, `${name}.txt`)
}

function moduleOf(name: string, path: string): string {
  return `
import { appendFileSync } from 'node:fs'

export default {
  description: 'Does a ${name}.',
  parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  changes: false,
  idempotent: ${name === 'look'},
  call({ text }) {
    appendFileSync(${JSON.stringify(path)}, text + '\\n')
    return 'done'
  },
}
`
}
