// Count: holds what people were shown and what the store has against the ledger of what was accepted. Reads, never writes.

import { DatabaseSync } from 'node:sqlite'
import type { ApiCall } from '../support/bot-api/server.ts'
import type { Ledger, Told } from './people.ts'
import { callsOf } from './tools.ts'
import type { Town } from './town.ts'

export interface Figures {
  /** Messages whose platform was told that they are kept. */
  readonly accepted: number
  /** Of those: an answer was shown. */
  readonly answered: number
  /** Of those without an answer: listed as a dead letter, because they were at work in too many ends of the process. */
  readonly givenUp: number
  /** The answer is listed as a dead letter, because the platform refused it for good, or nobody knows of two sends of it. */
  readonly undeliverable: number
  /** None of these. */
  readonly lost: number
  /** Messages that stand in the transcript twice. */
  readonly doubledTurns: number
  /** Replies whose record says that they may have been shown twice. */
  readonly uncertain: number
  /** Answers that were shown twice, and whose record says that they may have been. */
  readonly markedDoubles: number
  /** Answers that were shown twice, and whose record says nothing of it. */
  readonly unmarkedDoubles: number
  /** Answers that a process sent once more although the platform had told it that they arrived, whatever the record says. */
  readonly sentAgain: number
  /** Answers in one conversation, shown in another order than they were asked. */
  readonly outOfOrder: number
  /** Calls of tools that were made again, and must not be. */
  readonly doneTwice: number
  /** Calls that were made again, of tools that may be called again. */
  readonly doneAgain: number
  readonly examples: readonly string[]
}

export const NOTHING: Figures = {
  accepted: 0,
  answered: 0,
  givenUp: 0,
  undeliverable: 0,
  lost: 0,
  doubledTurns: 0,
  uncertain: 0,
  markedDoubles: 0,
  unmarkedDoubles: 0,
  sentAgain: 0,
  outOfOrder: 0,
  doneTwice: 0,
  doneAgain: 0,
  examples: [],
}

export function isSound(figures: Figures): boolean {
  const { lost, doubledTurns, unmarkedDoubles, sentAgain, outOfOrder, doneTwice } = figures
  return lost + doubledTurns + unmarkedDoubles + sentAgain + outOfOrder + doneTwice === 0
}

export function together(a: Figures, b: Figures): Figures {
  return {
    accepted: a.accepted + b.accepted,
    answered: a.answered + b.answered,
    givenUp: a.givenUp + b.givenUp,
    undeliverable: a.undeliverable + b.undeliverable,
    lost: a.lost + b.lost,
    doubledTurns: a.doubledTurns + b.doubledTurns,
    uncertain: a.uncertain + b.uncertain,
    markedDoubles: a.markedDoubles + b.markedDoubles,
    unmarkedDoubles: a.unmarkedDoubles + b.unmarkedDoubles,
    sentAgain: a.sentAgain + b.sentAgain,
    outOfOrder: a.outOfOrder + b.outOfOrder,
    doneTwice: a.doneTwice + b.doneTwice,
    doneAgain: a.doneAgain + b.doneAgain,
    examples: [...a.examples, ...b.examples],
  }
}

/** The gateway of the town has ended. */
export function count({ ledger, store: path, folder }: Pick<Town, 'ledger' | 'store' | 'folder'>): Figures {
  const store = new DatabaseSync(path, { readOnly: true })
  const calls = { deeds: callsOf(folder, 'deed'), looks: callsOf(folder, 'look') }
  try {
    return figuresOf(ledger, { ...contentOf(store), ...calls })
  } finally {
    store.close()
  }
}

interface Content extends Kept {
  /** With what the tools were called. */
  readonly deeds: readonly string[]
  readonly looks: readonly string[]
}

/** What the store holds. */
interface Kept {
  readonly outbox: readonly { readonly text: string; readonly uncertain: boolean }[]
  readonly asked: readonly string[]
  /** What the web conversations show, oldest first. */
  readonly journal: readonly Told[]
  /** Dead letters: messages nobody answered, replies nobody received. */
  readonly dead: ReadonlyMap<string, 'message' | 'reply'>
}

function contentOf(store: DatabaseSync): Kept {
  const all = (sql: string) => store.prepare(sql).all()
  const dead = all('SELECT kind, text FROM dead_letters').flatMap(({ kind, text }) =>
    String(text)
      .split('\n')
      .map((line) => [textIn(line), kind === 'reply' ? 'reply' : 'message'] as const),
  )
  return {
    outbox: all('SELECT text, uncertain FROM outbox').map(({ text, uncertain }) => ({
      text: String(text),
      uncertain: uncertain === 1,
    })),
    asked: all("SELECT text FROM transcript WHERE role = 'user'").map(({ text }) => String(text)),
    // The page shows it through its events; test/e2e reads those.
    journal: all("SELECT channel, conversation, text FROM journal WHERE role = 'assistant' ORDER BY id").map((row) => ({
      channel: String(row['channel']),
      conversation: String(row['conversation']),
      text: String(row['text']),
    })),
    dead: new Map(dead),
  }
}

function figuresOf(ledger: Ledger, content: Content): Figures {
  const accepted: readonly Told[] = [...ledger.telegram, ...ledger.web.filter((said) => said.accepted)]
  const lines = shownLines(ledger, content)
  const shown = tally([...lines.values()].flat())
  const unanswered = accepted.filter(({ text }) => !shown.has(text))
  const lost = unanswered.filter(({ text }) => !content.dead.has(text)).map(({ text }) => text)
  const dead = (kind: 'message' | 'reply') => unanswered.filter(({ text }) => content.dead.get(text) === kind).length
  const doubles = accepted.map(({ text }) => text).filter((text) => (shown.get(text) ?? 0) > 1)
  const unmarked = doubles.filter((text) => !isMarked(text, content))
  const doubledTurns = repeated(content.asked)
  const twice = repeated(content.deeds)
  const again = sentAgain(ledger)
  const late = outOfOrder(accepted, lines)
  const undos = undoFigures(ledger, content)
  const named = (what: string, texts: readonly string[]) => texts.slice(0, 5).map((text) => `${what}: ${text}`)
  return {
    accepted: accepted.length + undos.accepted,
    answered: accepted.length - unanswered.length + undos.answered,
    givenUp: dead('message'),
    undeliverable: dead('reply'),
    lost: lost.length + undos.lost,
    doubledTurns: doubledTurns.length,
    uncertain: content.outbox.filter(({ uncertain }) => uncertain).length,
    markedDoubles: doubles.length - unmarked.length,
    unmarkedDoubles: unmarked.length + undos.doubled,
    sentAgain: again.length,
    outOfOrder: late.length,
    doneTwice: twice.length,
    doneAgain: repeated(content.looks).length,
    examples: [
      ...named('lost', lost),
      ...named('doubled turn', doubledTurns),
      ...named('unmarked double', unmarked),
      ...named('sent again', again),
      ...named('out of order', late),
      ...named('done twice', twice),
      ...(undos.lost + undos.doubled > 0 ? [`answers to /undo: ${undos.answered} of ${undos.accepted}`] : []),
    ],
  }
}

/** An answer to `/undo` does not say to which: they are counted. Web shows no part twice, so that none may be there twice. */
function undoFigures({ undos }: Ledger, { journal }: Content) {
  const accepted = undos.filter((said) => said.accepted)
  const answers = journal.filter(({ conversation }) => conversation === undos[0]?.conversation).length
  const lost = Math.max(0, accepted.length - answers)
  const doubled = Math.max(0, answers - accepted.length)
  return { accepted: accepted.length, answered: accepted.length - lost, lost, doubled }
}

/** One answer in the outbox, and its record says that it may stand there twice. */
function isMarked(text: string, { outbox }: Content): boolean {
  const records = outbox.filter((record) => record.text.split('\n').some((line) => textIn(line) === text))
  return records.length === 1 && records[0]?.uncertain === true
}

/** The texts to which each conversation shows an answer, oldest first; one that is answered twice stands there twice. */
function shownLines(ledger: Ledger, { journal }: Content): Map<string, string[]> {
  const lines = new Map<string, string[]>()
  for (const said of ledger.telegram) {
    const place = placeOf(said)
    if (lines.has(place)) continue
    const answers = said.bot.shown(said.person.id).filter(({ from }) => from.isBot)
    lines.set(place, answers.flatMap(({ text }) => text.split('\n')).map(textIn))
  }
  for (const [place, entries] of Map.groupBy(journal, placeOf)) {
    lines.set(place, entries.flatMap(({ text }) => text.split('\n')).map(textIn))
  }
  return lines
}

function outOfOrder(accepted: readonly Told[], lines: ReadonlyMap<string, readonly string[]>): string[] {
  return [...Map.groupBy(accepted, placeOf)].flatMap(([place, said]) => {
    const shown = new Set(lines.get(place))
    const asked = said.map(({ text }) => text).filter((text) => shown.has(text))
    const known = new Set(asked)
    const answered = [...shown].filter((text) => known.has(text))
    return answered.filter((text, index) => text !== asked[index])
  })
}

function sentAgain({ telegram, lives }: Ledger): string[] {
  return [...new Set(telegram.map(({ bot }) => bot))].flatMap((bot) => {
    const sends = bot.calls.filter((call) => call.method === 'sendMessage' && textOf(call).includes(' heard: '))
    const perAnswer = Map.groupBy(sends, (call) => `${String(call.payload['chat_id'])} ${textOf(call)}`)
    const again = [...perAnswer.values()].filter((calls) =>
      calls.some((call, index) => isRepeated(call, calls[index + 1])),
    )
    return again.map(([call]) => (call === undefined ? '' : textOf(call)))
  })

  /**
   * One life sent both and lived when the first was answered. The answer to a process that is killed meanwhile is written to a socket
   * whose end nobody has seen yet, and that may be when the next process is being started already.
   */
  function isRepeated(call: ApiCall, next: ApiCall | undefined): boolean {
    if (call.status !== 200 || call.endedAt === null || next === undefined) return false
    const moments = [call.at, call.endedAt, next.at]
    return lives.some(({ fromMs, toMs }) => moments.every((atMs) => fromMs <= atMs && atMs <= toMs))
  }
}

function textOf({ payload }: ApiCall): string {
  return String(payload['text'])
}

function placeOf({ channel, conversation }: Told): string {
  return `${channel}/${conversation}`
}

function textIn(line: string): string {
  return line.replace(/^\w+ heard: /, '')
}

function repeated(texts: readonly string[]): string[] {
  return [...tally(texts)].filter(([, times]) => times > 1).map(([text]) => text)
}

function tally(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}
