// Machines: `troupe machines`, the statecharts as text.

import { nearest } from '../config/problems.ts'
import { configurationOf, describeMachine, machineNames, mermaidOf } from '../start.ts'
import type { Command, Invocation } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'

export const machinesCommand: Command = {
  name: 'machines',
  summary: 'the statecharts that decide, as text',
  arguments: [{ form: '[name]', says: 'one of gateway, channel, partition, session, run, delivery; without it: all' }],
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
  if (name !== undefined && !machineNames.includes(name)) throw new CommandFailure(EXIT.usage, unknown(name))
  const text = options.text('format') === 'json' ? json(name) : name === undefined ? markdown() : mermaidOf(name).trimEnd()
  context.terminal.out(text)
  return EXIT.fine
}

function unknown(name: string): string {
  const near = nearest(name, machineNames)
  const meant = near === null ? '' : ` Did you mean ${near}?`
  return `There is no machine ${JSON.stringify(name)}.${meant} There are ${machineNames.join(', ')}.`
}

function json(name: string | undefined): string {
  const shown =
    name === undefined
      ? Object.fromEntries(machineNames.map((each) => [each, configurationOf(each)]))
      : configurationOf(name)
  return JSON.stringify(shown, null, 2)
}

function markdown(): string {
  const sections = machineNames.map(
    (name) => `## ${name}\n\n${describeMachine(name)}\n\n\`\`\`mermaid\n${mermaidOf(name)}\`\`\``,
  )
  return sections.join('\n\n')
}
