// Talk: one conversation on the terminal. Shows what the agent says as it comes, and knows when everything is answered.
//   Each line is answered by exactly one message (busy mode `queue`), so counting them says when the last one is there.

import { createInterface } from 'node:readline'
import type { WebEvent, WebPort } from '../start.ts'
import type { Context } from './command.ts'
import { plain } from './terminal.ts'

export interface TalkOptions {
  readonly port: WebPort
  readonly conversation: string
  readonly agent: string
  readonly context: Context
  /** The journal's last entry when the talk begins: what comes later is shown. */
  readonly lastId: number
  /** Entries so far. */
  readonly count: number
  /** Answers that an earlier talk is still owed. */
  readonly awaited: number
}

const USER = 'terminal'

export class Talk {
  readonly options: TalkOptions
  /** Settles when nothing more can be shown; rejects when the journal cannot be read. */
  readonly watching: Promise<void>
  /** Called after each whole answer. */
  onAnswer: () => void = () => {}
  readonly #over = new AbortController()
  readonly #streams: boolean
  #awaited: number
  #settlesAll = false
  /** What of the answer that is coming stands on the terminal already. */
  #shown = ''
  #wake: () => void = () => {}

  constructor(options: TalkOptions) {
    const { terminal } = options.context
    this.options = options
    this.#awaited = options.awaited
    this.#streams = terminal.isTerminal.out
    this.watching = this.#watch()
  }

  get isAnswered(): boolean {
    return this.#awaited === 0
  }

  async say(text: string): Promise<void> {
    const { port, conversation, context } = this.options
    this.#awaited += 1
    // Its answer stands for everything that it ended or discarded too.
    if (/^\/(stop|new)\b/.test(text.trim())) this.#settlesAll = true
    const reception = await port.post({ conversation, user: USER, text, attachments: [], messageId: null })
    if (reception.accepted) return
    this.#awaited -= 1
    const reason = reception.reason === 'tooLong' ? 'it is too long' : `the conversation is ${reception.reason}`
    context.terminal.err(`This was not kept: ${reason}.`)
    this.onAnswer()
  }

  async answered(): Promise<void> {
    while (!this.isAnswered && !this.#over.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  end(): void {
    this.#over.abort()
    this.#wake()
  }

  async #watch(): Promise<void> {
    const { port, conversation } = this.options
    let lastId = this.options.lastId
    // A subscription also ends when its connection did; the next one goes on where it stood.
    while (!this.#over.signal.aborted) {
      const show = (event: WebEvent): void => {
        if (event.kind === 'message') lastId = event.id
        this.#show(event)
      }
      await port.subscribe({ conversation, afterId: lastId }, show, this.#over.signal)
    }
  }

  #show(event: WebEvent): void {
    const { terminal } = this.options.context
    if (event.kind === 'delta' && this.#streams) {
      const piece = plain(event.text)
      this.#shown += piece
      terminal.write(piece)
    }
    if (event.kind !== 'message' || event.role === 'user') return
    const text = plain(event.text)
    const streamed = this.#shown
    this.#shown = ''
    // What was streamed is a beginning of the message, or of a run that was ended.
    if (streamed !== '' && text.startsWith(streamed)) terminal.out(text.slice(streamed.length))
    else terminal.out(streamed === '' ? text : `\n${text}`)
    this.#awaited = this.#settlesAll ? 0 : Math.max(0, this.#awaited - 1)
    this.#settlesAll = false
    this.#wake()
    this.onAnswer()
  }
}

/** Each line is a message, said when the one before is answered; resolves after the last answer. */
export async function talkThroughPipe(talk: Talk): Promise<void> {
  await talk.answered()
  for await (const line of createInterface({ input: talk.options.context.terminal.input, crlfDelay: Infinity })) {
    if (line.trim() === '') continue
    await talk.say(line)
    await talk.answered()
  }
}

/** Ctrl-C stops what runs, or ends when nothing does; Ctrl-D ends. */
export async function talkAtTerminal(talk: Talk): Promise<void> {
  const { context, agent, count } = talk.options
  const { terminal } = context
  terminal.out(terminal.colour.faint(greeting(agent, count)))
  const lines = createInterface({
    input: terminal.input,
    output: terminal.output,
    terminal: true,
    prompt: `${terminal.colour.strong('you')} › `,
  })
  const prompt = (): void => {
    if (talk.isAnswered) lines.prompt()
  }
  talk.onAnswer = prompt
  const failed = Promise.withResolvers<never>()
  const say = (text: string): void => void talk.say(text).catch(failed.reject)
  lines.on('line', (line) => (line.trim() === '' ? prompt() : say(line)))
  lines.on('SIGINT', () => (talk.isAnswered ? lines.close() : say('/stop')))
  prompt()
  const closed = new Promise<void>((resolve) => lines.once('close', resolve))
  await Promise.race([closed, failed.promise]).finally(() => lines.close())
  terminal.out('')
}

function greeting(agent: string, count: number): string {
  const before = count === 0 ? '' : ` ${count} messages before this; /new begins anew.`
  return `You are talking to ${agent}.${before} /help says what can be asked; Ctrl-D ends.`
}
