// Pairing: `troupe pairing list`, `approve` and `revoke`: who may talk to a channel with `unknown_user_policy: pair`.

import { type Command, CONFIG, DATA, type Invocation, JSON_OUTPUT } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { withRecords } from './reach.ts'
import { columns, plainLine } from './terminal.ts'

export const pairingListCommand: Command = {
  name: 'pairing list',
  summary: 'who is paired, and who waits with which code',
  options: [CONFIG, DATA, JSON_OUTPUT],
  examples: ['troupe pairing list'],
  run: list,
}

export const pairingApproveCommand: Command = {
  name: 'pairing approve',
  summary: 'let somebody in, by the code that the bot told them',
  arguments: [{ form: '<code>', says: 'the code; it is valid for an hour' }],
  options: [CONFIG, DATA],
  examples: ['troupe pairing approve K7M2QX'],
  run: approve,
}

export const pairingRevokeCommand: Command = {
  name: 'pairing revoke',
  summary: 'let somebody in no longer',
  arguments: [
    { form: '<channel>', says: 'the channel’s name in the file' },
    { form: '<user>', says: 'the platform’s id of the person, as `pairing list` shows it' },
  ],
  options: [CONFIG, DATA],
  examples: ['troupe pairing revoke telegram_cfo 12345'],
  run: revoke,
}

const NAME_UNITS_MAX = 40

function list(invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation.context
  return withRecords(invocation, async (records) => {
    const pairings = await records.pairings()
    if (invocation.options.given('json')) terminal.out(JSON.stringify({ pairings }, null, 2))
    else if (pairings.length === 0) terminal.out('Nobody is paired, and nobody waits.')
    else {
      const rows = pairings.map(({ channel, user, name, code, at }) => [
        channel,
        plainLine(user, NAME_UNITS_MAX),
        plainLine(name ?? '', NAME_UNITS_MAX),
        code === null ? 'paired' : `waits with code ${code}`,
        at,
      ])
      for (const line of columns([['CHANNEL', 'USER', 'NAME', 'STATE', 'SINCE'], ...rows])) terminal.out(line)
    }
    return EXIT.fine
  })
}

function approve(invocation: Invocation): Promise<ExitCode> {
  const [code = ''] = invocation.arguments
  return withRecords(invocation, async (records) => {
    const pairing = await records.approvePairing(code)
    if (pairing === null)
      throw new CommandFailure(EXIT.failed, `There is no pairing code ${JSON.stringify(code)}, or it has expired.`)
    const who = plainLine(pairing.name === null ? pairing.user : `${pairing.name} (${pairing.user})`, NAME_UNITS_MAX)
    invocation.context.terminal.out(`${who} may talk to ${pairing.channel} now.`)
    return EXIT.fine
  })
}

function revoke(invocation: Invocation): Promise<ExitCode> {
  const [channel = '', user = ''] = invocation.arguments
  return withRecords(invocation, async (records) => {
    if (!(await records.revokePairing(channel, user))) {
      const message = `${JSON.stringify(user)} is not paired with ${JSON.stringify(channel)}; \`troupe pairing list\` shows who is.`
      throw new CommandFailure(EXIT.failed, message)
    }
    invocation.context.terminal.out(`${plainLine(user, NAME_UNITS_MAX)} may not talk to ${channel} any longer.`)
    return EXIT.fine
  })
}
