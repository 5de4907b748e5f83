// Main: what bin.js calls. Joins the process (its streams, its environment, its end) with the command line.
//   Resolves with the exit code once everything is closed; never rejects for a reason that somebody foresaw.

import { readFileSync } from 'node:fs'
import { watchForDefects } from './cli/last-resort.ts'
import { runProgram } from './cli/program.ts'
import { openTerminal } from './cli/terminal.ts'
import { realWorld } from './world.ts'

export function main(args: readonly string[]): Promise<number> {
  const exit = (code: number): void => process.exit(code)
  const world = realWorld(process.env)
  const streams = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, exit }
  const terminal = openTerminal(streams, world.environment)
  const version = versionOf(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const context = { terminal, world, version, debug: args.includes('--debug'), exit }
  watchForDefects(context, { console: null })
  return runProgram(args, context)
}

function versionOf(manifest: string): string {
  const { version }: { readonly version?: unknown } = JSON.parse(manifest)
  return String(version)
}
