// Send: `troupe send`, a message from outside into a conversation, through a running gateway.

import { type Command, CONFIG, DATA, type Invocation } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { openWay } from './file.ts'
import { sayProblems } from './problems.ts'
import { runningGateway, tokenOf } from './reach.ts'

export const sendCommand: Command = {
  name: 'send',
  summary: 'send a message into a conversation, through a running gateway',
  arguments: [{ form: '<text...>', says: 'what is said there' }],
  options: [
    { flags: '--channel <id>', says: 'the channel’s name in the file', mustBeGiven: true },
    { flags: '--to <conversation>', says: 'the conversation, as `sessions list` shows it', mustBeGiven: true },
    CONFIG,
    DATA,
  ],
  examples: ['troupe send --channel telegram_cfo --to 12345 "The report is ready."'],
  run: send,
}

async function send({ context, options, arguments: words }: Invocation): Promise<ExitCode> {
  const way = await openWay(context, options)
  if (way === null) return EXIT.configuration
  const gateway = await runningGateway(way.data, tokenOf(way, context), context.world.clock)
  if (gateway === null) {
    sayProblems(way.problems, context)
    if (way.problems.length > 0) return EXIT.configuration
    const message = `No gateway has ${way.data} open, and only a running one can send. Start it with \`troupe start\`.`
    throw new CommandFailure(EXIT.tryLater, message)
  }
  const channel = options.text('channel') ?? ''
  const body = { conversation: options.text('to') ?? '', text: words.join(' ') }
  const answer = await gateway.ask('POST', `/channels/${encodeURIComponent(channel)}/send`, body)
  if (answer === null) {
    const message = `There is no channel ${JSON.stringify(channel)}; \`troupe status\` lists them.`
    throw new CommandFailure(EXIT.failed, message)
  }
  context.terminal.out('Taken: it is on disk and will be delivered.')
  return EXIT.fine
}
