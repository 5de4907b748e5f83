// Demo: the workforce that `troupe start` runs without a file: three agents on three web channels, offline, without a key.

import { assert } from '../../machines/failure.ts'
import type { Phase } from '../../machines/phases.ts'
import { type Loaded, loadText } from './load.ts'
import type { Environment } from './variables.ts'

/** The demo workforce; its data folder is `.troupe` in the working directory. */
export function demoDefinition(environment: Environment, passed?: (phase: Phase) => void): Loaded {
  // Without a folder the name is relative to the working directory, as the folder of the user's own file would be.
  const result = loadText({ file: 'demo.yaml', text: DEMO, environment, passed })
  assert(result.ok, 'the demo workforce is a valid file')
  return result.loaded
}

const DEMO = `
agents:
  cfo:
    instructions: You answer questions about money.
    model: echo
  ops:
    instructions: You keep things running.
    model: echo
  content:
    instructions: You write and edit texts.
    model: echo
channels:
  cfo: { platform: web, agent: cfo }
  ops: { platform: web, agent: ops }
  content: { platform: web, agent: content }
`
