// Status: `troupe status`, what a running gateway says of itself.

import type { Status } from '../start.ts'
import type { Colour } from './colour.ts'
import { type Command, CONFIG, type Context, DATA, type Invocation, JSON_OUTPUT, URL_OF_GATEWAY } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { gatewayOf } from './reach.ts'
import { rollCallLines } from './roll-call.ts'

export const statusCommand: Command = {
  name: 'status',
  summary: 'what a running gateway says of itself',
  options: [URL_OF_GATEWAY, CONFIG, DATA, JSON_OUTPUT],
  examples: [
    'troupe status',
    'troupe status --url http://127.0.0.1:8765 --json # with gateway.token: its value in TROUPE_TOKEN',
  ],
  run: status,
}

async function status({ context, options }: Invocation): Promise<ExitCode> {
  const gateway = await gatewayOf(context, options)
  if (gateway === null) return EXIT.configuration
  const answer = await gateway.ask('GET', '/status')
  if (!isStatus(answer))
    throw new CommandFailure(EXIT.failed, `${gateway.url} answers, and not as a Troupe gateway does.`)
  if (options.given('json')) context.terminal.out(JSON.stringify(answer, null, 2))
  else for (const line of lines(answer, gateway.url, context)) context.terminal.out(line)
  return EXIT.fine
}

function isStatus(answer: unknown): answer is Status {
  return typeof answer === 'object' && answer !== null && 'channels' in answer && 'sessions' in answer
}

function lines(answer: Status, url: string, { terminal }: Context): string[] {
  const { state, version, uptime_s, channels, sessions, outbox, dead_letters, lacking, store } = answer
  const { colour } = terminal
  const shown = state === 'serving' ? colour.good(state) : colour.unsure(state)
  const { running, pending, idle, passivated, queued_messages } = sessions
  return [
    `Troupe ${version} is ${shown} at ${url}/, up ${spanOf(uptime_s)}`,
    ...rollCallLines({ channels, lacking }, colour),
    ...answer.agents.map(({ id, reason }) => colour.unsure(`  agent ${id} could not answer: ${reason}`)),
    ...answer.mcp_servers.map(({ reason }) => colour.unsure(`  ${reason}`)),
    ...(store === null ? [] : [colour.bad(`  nothing can be kept since ${store.since}: ${store.reason}`)]),
    `Sessions: ${running} running, ${pending} pending, ${idle} idle, ${passivated} passivated; ${queued_messages} messages wait.`,
    `Outbox: ${outbox}. Dead letters: ${dead_letters === 0 ? '0' : colour.bad(String(dead_letters))}.`,
    ...configurationLines(answer, colour),
  ]
}

/** Nothing while the file is in force as it is. */
function configurationLines({ configuration }: Status, colour: Colour): string[] {
  const { loaded_at, problems, needs_restart, kept } = configuration
  return [
    ...(problems.length === 0 ? [] : [colour.bad(`The file has problems; what was read at ${loaded_at} is in force:`)]),
    ...problems.map((problem) => `  ${problem}`),
    ...kept.map(({ id, reason }) => colour.unsure(`${id} goes by its earlier definition: ${reason}`)),
    ...(needs_restart.length === 0 ? [] : [colour.unsure(`Needs a restart: ${needs_restart.join(', ')}.`)]),
  ]
}

/** `3 d 4 h`, `5 min 2 s`. */
function spanOf(seconds: number): string {
  const whole = Math.floor(seconds)
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}
