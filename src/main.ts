// Main: what bin.js calls. Joins the process (its streams, its environment, its end) with the command line.
//   Resolves with the exit code once everything is closed; never rejects for a reason that somebody foresaw.

import { readFileSync } from 'node:fs'
import { chatCommand } from './cli/chat.ts'
import { checkCommand } from './cli/check.ts'
import { deadLettersListCommand, deadLettersRetryCommand } from './cli/deadletters.ts'
import { doctorCommand } from './cli/doctor.ts'
import { initCommand } from './cli/init.ts'
import { watchForDefects } from './cli/last-resort.ts'
import { machinesCommand } from './cli/machines.ts'
import { pairingApproveCommand, pairingListCommand, pairingRevokeCommand } from './cli/pairing.ts'
import { runProgram } from './cli/program.ts'
import { sendCommand } from './cli/send.ts'
import { sessionsListCommand, sessionsShowCommand } from './cli/sessions.ts'
import { startCommand } from './cli/start.ts'
import { statusCommand } from './cli/status.ts'
import { openTerminal } from './cli/terminal.ts'
import { realWorld } from './world.ts'

export function main(args: readonly string[]): Promise<number> {
  const exit = (code: number): void => process.exit(code)
  const world = realWorld(process.env)
  const { stdin, stdout, stderr } = process
  const terminal = openTerminal({ stdin, stdout, stderr, exit }, world.environment)
  const version = versionOf(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return runProgram(args, {
    commands: [
      startCommand,
      initCommand,
      checkCommand,
      doctorCommand,
      statusCommand,
      chatCommand,
      sendCommand,
      sessionsListCommand,
      sessionsShowCommand,
      deadLettersListCommand,
      deadLettersRetryCommand,
      pairingListCommand,
      pairingApproveCommand,
      pairingRevokeCommand,
      machinesCommand,
    ],
    groups: {
      sessions: 'sessions, and one session’s transcript',
      deadletters: 'what could not be handled or delivered',
      pairing: 'who may talk to a channel',
    },
    context: (debug) => {
      const context = { terminal, world, version, debug, exit }
      watchForDefects(context, null)
      return context
    },
  })
}

function versionOf(manifest: string): string {
  const { version }: { readonly version?: unknown } = JSON.parse(manifest)
  return String(version)
}
