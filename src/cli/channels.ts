// Channels: `troupe channels pause`, `resume` and `reconnect`, an operator's hand on one channel of a running gateway.
//   What is asked for is taken in the order in which it was asked; `troupe status` shows what became of it.

import type { ChannelControl } from '../../machines/messages.ts'
import { type Command, CONFIG, DATA, type Invocation, URL_OF_GATEWAY } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { gatewayOf } from './reach.ts'

export const channelsPauseCommand = controlCommand('pause', {
  summary: 'take nothing more from a channel; what was taken is still answered',
  done: 'takes nothing more. `troupe channels resume` lets it go on.',
})

export const channelsResumeCommand = controlCommand('resume', {
  summary: 'let a paused or failed channel go on',
  done: 'connects again; `troupe status` shows how it goes.',
})

export const channelsReconnectCommand = controlCommand('reconnect', {
  summary: 'end a channel’s connection and make a new one, with its credential read anew',
  done: 'connects anew; `troupe status` shows how it goes.',
})

interface Words {
  readonly summary: string
  /** What is said behind the channel's name once the gateway took it. */
  readonly done: string
}

function controlCommand(control: ChannelControl, { summary, done }: Words): Command {
  return {
    name: `channels ${control}`,
    summary,
    arguments: [{ form: '<id>', says: 'the channel’s name in the file' }],
    options: [URL_OF_GATEWAY, CONFIG, DATA],
    examples: [`troupe channels ${control} telegram_cfo`],
    run: (invocation) => tell(invocation, control, done),
  }
}

async function tell(
  { context, options, arguments: [id = ''] }: Invocation,
  control: ChannelControl,
  done: string,
): Promise<ExitCode> {
  const gateway = await gatewayOf(context, options)
  if (gateway === null) return EXIT.configuration
  const answer = await gateway.ask('POST', `/channels/${encodeURIComponent(id)}/${control}`)
  if (answer === null) {
    const message = `There is no channel ${JSON.stringify(id)}; \`troupe status\` lists them.`
    throw new CommandFailure(EXIT.failed, message)
  }
  context.terminal.out(`${id} ${done}`)
  return EXIT.fine
}
