// Context: what a command runs in, without a process: streams that a test reads, and a terminal when it asks for one.

import { PassThrough } from 'node:stream'
import type { Context } from '../../src/cli/command.ts'
import { runProgram } from '../../src/cli/program.ts'
import { openTerminal } from '../../src/cli/terminal.ts'
import { realWorld } from '../../src/world.ts'

export interface TestContext {
  readonly context: Context
  /** Everything on standard output so far. */
  out(): string
  err(): string
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  /** Codes with which the process would have ended at once. */
  readonly exits: readonly number[]
}

export function testContext(
  kind: 'pipes' | 'terminal' = 'pipes',
  environment: Readonly<Record<string, string>> = {},
): TestContext {
  const isTTY = kind === 'terminal'
  const stream = () => Object.assign(new PassThrough(), { isTTY })
  const [stdin, stdout, stderr] = [stream(), stream(), stream()]
  const texts = { out: '', err: '' }
  stdout.on('data', (piece) => (texts.out += piece))
  stderr.on('data', (piece) => (texts.err += piece))
  const exits: number[] = []
  const exit = (code: number): void => void exits.push(code)
  const terminal = openTerminal({ stdin, stdout, stderr, exit }, environment)
  const context = { terminal, world: realWorld(environment), version: '0.0.0-test', debug: false, exit }
  return { context, out: () => texts.out, err: () => texts.err, stdin, stdout, exits }
}

export interface RanHere {
  readonly code: number
  readonly out: string
  readonly err: string
}

/**
 * A command from its first word to its exit code in this process, by the door through which the binary goes (program.ts): what a
 * command says does not depend on whose process it is, and one of its own takes the processor a quarter of a second.
 */
export async function runHere(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<RanHere> {
  const { context, out, err } = testContext('pipes', environment)
  const code = await runProgram(args, context)
  return { code, out: out(), err: err() }
}
