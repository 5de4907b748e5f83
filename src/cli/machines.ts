// Machines: `troupe machines`, the statecharts as text.

import { nearest } from '../config/problems.ts'
import type { Command, Invocation } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'

export const machinesCommand: Command = {
  name: 'machines',
  summary: 'the statecharts that decide, as text',
  arguments: [
    {
      form: '[name]',
      says: 'one of gateway, channel, partition, session, run, delivery, mcp, schedule; without it: all',
    },
  ],
  options: [
    {
      flags: '--format <format>',
      says: 'mermaid (default) for pictures, or the XState definition as json',
      choices: ['mermaid', 'json'],
    },
  ],
  examples: [
    'troupe machines > machines.md       # all of them, in Markdown',
    'troupe machines session',
    'troupe machines session --format json',
  ],
  run: machines,
}

async function machines({ context, options, arguments: [name] }: Invocation): Promise<ExitCode> {
  const { configurationOf, describeMachine, machineNames, mermaidOf } = await import('../start.ts')
  if (name !== undefined && !machineNames.includes(name))
    throw new CommandFailure(EXIT.usage, unknown(name, machineNames))
  const names = name === undefined ? machineNames : [name]
  const { terminal } = context
  if (options.text('format') === 'json') {
    const all = Object.fromEntries(names.map((each) => [each, configurationOf(each)]))
    terminal.out(JSON.stringify(name === undefined ? all : all[name], null, 2))
  } else if (name === undefined) {
    for (const each of names)
      terminal.out(`## ${each}\n\n${describeMachine(each)}\n\n\`\`\`mermaid\n${mermaidOf(each)}\`\`\`\n`)
  } else terminal.write(mermaidOf(name))
  return EXIT.fine
}

function unknown(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const meant = near === null ? '' : ` Did you mean ${near}?`
  return `There is no machine ${JSON.stringify(name)}.${meant} There are ${known.join(', ')}.`
}
