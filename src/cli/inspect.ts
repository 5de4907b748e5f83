// Inspect: `troupe inspect`, the Stately inspector's page on a gateway that runs already.
//   Said on the command line is the whole wish: `inspect cfo` hides texts that were shown before. Without a word nothing changes.

import { isLoopback } from '../config/references.ts'
import type { InspectionView, InspectionWish } from '../start.ts'
import { openBrowser } from './browser.ts'
import { type Command, CONFIG, DATA, type Invocation, type Options, URL_OF_GATEWAY } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'
import { gatewayOf } from './reach.ts'
import type { Remote } from './remote.ts'

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'watch the machines of a running gateway in the Stately inspector',
  arguments: [
    { form: '[what]', says: 'a channel, session:KEY, or everything (at first: everything; later: as it is)' },
  ],
  options: [
    { flags: '--texts', says: 'also show what people and models write' },
    { flags: '--no-open', says: 'print the address, and open no browser' },
    { flags: '--end', says: 'close it: nobody watches any more' },
    URL_OF_GATEWAY,
    CONFIG,
    DATA,
  ],
  examples: [
    'troupe inspect                        # everything, or what is watched already',
    'troupe inspect telegram_cfo --texts',
    'troupe inspect session:cfo/lobby --no-open',
    'troupe inspect --end',
  ],
  run: inspect,
}

async function inspect({ context, options, arguments: [what] }: Invocation): Promise<ExitCode> {
  const gateway = await gatewayOf(context, options)
  if (gateway === null) return EXIT.configuration
  const { terminal } = context
  if (options.given('end')) {
    const ended = (await gateway.ask('DELETE', '/inspect'))?.['ended'] === true
    terminal.out(ended ? 'Closed: nobody watches any more.' : 'Nobody was watching.')
    return EXIT.fine
  }
  const view = await gateway.ask('POST', '/inspect', wishOf(what, options))
  if (!isView(view)) throw new CommandFailure(EXIT.failed, `${gateway.url} answers, and not as a Troupe gateway does.`)
  for (const line of lines(view)) terminal.out(line)
  for (const line of await wayIn(view, gateway, { context, options })) terminal.out(line)
  terminal.out(`The page shows ${view.page} in a frame, which needs the internet. Where that cannot be`)
  terminal.out('reached, its list of the actors works, and `troupe machines NAME` draws each statechart.')
  return EXIT.fine
}

function wishOf(what: string | undefined, options: Options): InspectionWish {
  if (what !== undefined) return { watch: what, texts: options.given('texts') }
  return options.given('texts') ? { texts: true } : {}
}

const OUTCOMES: Readonly<Record<InspectionView['outcome'], string>> = {
  opened: 'Watching',
  changed: 'Now watching',
  unchanged: 'Still watching',
}

function lines({ url, watch, texts, outcome }: InspectionView): string[] {
  const shown = texts ? 'with what people and models write' : 'message texts hidden (--texts shows them)'
  return [`Inspector: ${url}`, `${OUTCOMES[outcome]} ${watch}, ${shown}.`]
}

/** The relay listens on the gateway's own machine only. */
async function wayIn(
  { url }: InspectionView,
  gateway: Remote,
  { context, options }: Pick<Invocation, 'context' | 'options'>,
): Promise<string[]> {
  const { terminal, world } = context
  if (!isLoopback(hostOf(gateway))) {
    const { port } = new URL(url)
    const tunnel = `  ssh -N -L ${port}:127.0.0.1:${port} ${hostOf(gateway)}`
    return ['That address is on the gateway’s own machine. To open it on this one:', tunnel]
  }
  if (options.given('no-open') || !terminal.isTerminal.out) return []
  return [(await openBrowser(url, world)) ? 'Opened in the browser.' : 'No browser was found here; open it in one.']
}

function hostOf({ url }: Remote): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}

function isView(answer: object | null): answer is InspectionView {
  return answer !== null && 'url' in answer && 'watch' in answer && 'outcome' in answer
}
