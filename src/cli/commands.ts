// Commands: every command of `troupe`, in the order in which `--help` lists them. A command that is not here does not exist.

import { channelsPauseCommand, channelsReconnectCommand, channelsResumeCommand } from './channels.ts'
import { chatCommand } from './chat.ts'
import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { deadLettersListCommand, deadLettersRetryCommand } from './deadletters.ts'
import { doctorCommand } from './doctor.ts'
import { initCommand } from './init.ts'
import { inspectCommand } from './inspect.ts'
import { machinesCommand } from './machines.ts'
import { pairingApproveCommand, pairingListCommand, pairingRevokeCommand } from './pairing.ts'
import { reloadCommand } from './reload.ts'
import { schedulesListCommand } from './schedules.ts'
import { sendCommand } from './send.ts'
import { sessionsListCommand, sessionsShowCommand } from './sessions.ts'
import { startCommand } from './start.ts'
import { statusCommand } from './status.ts'
import { usageCommand } from './usage.ts'

export const COMMANDS: readonly Command[] = [
  startCommand,
  initCommand,
  checkCommand,
  doctorCommand,
  statusCommand,
  reloadCommand,
  chatCommand,
  sendCommand,
  channelsPauseCommand,
  channelsResumeCommand,
  channelsReconnectCommand,
  sessionsListCommand,
  sessionsShowCommand,
  usageCommand,
  schedulesListCommand,
  deadLettersListCommand,
  deadLettersRetryCommand,
  pairingListCommand,
  pairingApproveCommand,
  pairingRevokeCommand,
  inspectCommand,
  machinesCommand,
]

/** What a group of commands is about, by its first word. */
export const GROUPS: Readonly<Record<string, string>> = {
  channels: 'an operator’s hand on one channel',
  sessions: 'sessions, and one session’s transcript',
  schedules: 'what agents are told at times of their own',
  deadletters: 'what could not be handled or delivered',
  pairing: 'who may talk to a channel',
}
