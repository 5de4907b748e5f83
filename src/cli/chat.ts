// Chat: `troupe chat`, a conversation with one agent in this terminal and this process, on the configuration's own store.
//   It is a gateway like any other, whose file has one web channel `terminal`; so the same sessions, commands and
//   guarantees hold. The conversation is named for the agent: two agents here share no history.

import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { nearest } from '../config/problems.ts'
import type { RunningGateway, WebPort } from '../start.ts'
import { type Command, CONFIG, type Context, DATA, type Invocation } from './command.ts'
import type { ConsoleLog } from './console-log.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { isProblems, type OpenedFile, openFile } from './file.ts'
import { watchForDefects } from './last-resort.ts'
import { progressLine } from './progress.ts'
import { endBy, listenForSignals } from './signals.ts'
import { Talk, talkAtTerminal, talkThroughPipe } from './talk.ts'

export const chatCommand: Command = {
  name: 'chat',
  summary: 'talk to an agent in the terminal, in this process, same sessions and store',
  arguments: [{ form: '[agent]', says: 'its name in the file (default: the first)' }],
  options: [CONFIG, DATA],
  examples: [
    'troupe chat                         # Ctrl-C stops the run, Ctrl-D ends',
    'troupe chat cfo --config bots.yaml',
    'echo "How are sales?" | troupe chat cfo # each line a message; ends after the last answer',
  ],
  run: chat,
}

const CHANNEL = 'terminal'

/** How many journal entries are looked at together for the end of the conversation so far. */
const LOOK_BACK_ENTRIES = 500

async function chat({ context, options, arguments: [asked] }: Invocation): Promise<ExitCode> {
  const file = await openFile(context, options)
  if (file === null) return EXIT.configuration
  const agent = chosen(file, asked)
  const { openConsoleLog } = await import('./console-log.ts')
  const console = await openConsoleLog(context, {
    loaded: file.loaded,
    form: 'asTheStreamsAre',
    level: 'warn',
    progress: progressLine(context.terminal),
  })
  watchForDefects(context, { console })
  const before = await lookBack(file, agent, context)
  const gateway = await open(file, agent, { context, console })
  try {
    const port = await webPort(gateway, agent)
    const talk = new Talk({ port, conversation: agent, agent, context, ...before })
    await whatever(gateway, talk, context)
  } finally {
    endBy(context, file.loaded.definition.gateway.drainMs + AFTER_DRAIN_MS_MAX)
    gateway.drain()
    await gateway.ended
  }
  return EXIT.fine
}

/** What a drain may take over the file's own `drain`. */
const AFTER_DRAIN_MS_MAX = 2_900

async function whatever(gateway: RunningGateway, talk: Talk, context: Context): Promise<void> {
  const { terminal } = context
  const signal = new Promise<void>((resolve) => listenForSignals(context, { stop: () => resolve() }))
  const words = terminal.isTerminal.input && terminal.isTerminal.out ? talkAtTerminal(talk) : talkThroughPipe(talk)
  await Promise.race([words, talk.watching, signal, gateway.ended]).finally(() => talk.end())
}

function chosen({ loaded }: OpenedFile, asked: string | undefined): string {
  const names = Object.keys(loaded.definition.agents)
  const [first = ''] = names
  if (asked === undefined) return first
  if (names.includes(asked)) return asked
  const near = nearest(asked, names)
  const meant = near === null ? '' : ` Did you mean ${near}?`
  const message = `There is no agent ${JSON.stringify(asked)}.${meant} The file has ${names.join(', ')}.`
  throw new CommandFailure(EXIT.usage, message)
}

/** Where the conversation stands before the gateway opens: what was said, and what an earlier end left unanswered. */
async function lookBack({ data }: OpenedFile, conversation: string, { world }: Context) {
  const { openOffline } = await import('../start.ts')
  const store = openOffline(data, world)
  try {
    let lastId = 0
    let count = 0
    for (;;) {
      const entries = await store.journalAfter({ channel: CHANNEL, conversation }, lastId, LOOK_BACK_ENTRIES)
      lastId = entries.at(-1)?.id ?? lastId
      count += entries.length
      if (entries.length < LOOK_BACK_ENTRIES) break
    }
    const unanswered = (await store.unfinished(CHANNEL, 0, LOOK_BACK_ENTRIES)).filter(
      (message) => message.conversation === conversation,
    ).length
    const owed = (await store.nextOwed(CHANNEL, conversation)) === null ? 0 : 1
    return { lastId, count, awaited: unanswered + owed }
  } finally {
    await store.close()
  }
}

async function open(
  { loaded, data, reload, watch, phases }: OpenedFile,
  agent: string,
  { context, console }: { context: Context; console: ConsoleLog },
): Promise<RunningGateway> {
  const { startGateway, ownerOfStray } = await import('../start.ts')
  watchForDefects(context, { console, ownerOfStray })
  return startGateway({
    loaded: { ...loaded, definition: inTerminal(loaded.definition, agent) },
    settings: { host: '127.0.0.1', port: 0, data },
    world: context.world,
    log: console.log,
    version: context.version,
    reload: async () => {
      const newer = await reload()
      return isProblems(newer) ? newer : { ...newer, definition: inTerminal(newer.definition, agent) }
    },
    watch,
    inspect: null,
    phases: { earlier: phases, level: 'debug' },
  })
}

/** The file's agents, and this terminal as the one channel: nobody else reaches them here. */
function inTerminal(definition: GatewayDefinition, agent: string): GatewayDefinition {
  const channel = { ...TERMINAL, routes: { default: agent, dm: null, group: null } }
  const gateway = { ...definition.gateway, openaiApi: false }
  return { ...definition, gateway, channels: { [CHANNEL]: channel }, schedules: {} }
}

/** Whoever sits at this terminal may read the file and the store anyway: there is nobody to keep out. */
const TERMINAL: Omit<ChannelDefinition, 'routes'> = {
  id: CHANNEL,
  platform: 'web',
  allowedUsers: [],
  unknownUserPolicy: 'allow',
  groupPolicy: 'mention_only',
  sessionScope: 'per_chat',
  busyMode: 'queue',
  queueLimit: 32,
  partialAnswers: 'keep',
  reset: null,
  token: null,
  apiRoot: null,
  module: null,
  settings: {},
  lacking: [],
  missing: [],
}

async function webPort({ rollCall, port }: RunningGateway, agent: string): Promise<WebPort> {
  const [channel] = await rollCall
  const web = port.web(CHANNEL)
  if (channel?.state === 'live' && typeof web !== 'string') return web
  throw new CommandFailure(EXIT.failed, `${agent} cannot be talked to: ${channel?.reason ?? 'it did not start'}`)
}
