// Count: holds what people were shown and what the store has against the ledger of what was accepted. Reads, never writes.

import { DatabaseSync } from 'node:sqlite'
import type { Ledger } from './people.ts'

export interface Figures {
  /** Messages whose platform was told that they are kept. */
  readonly accepted: number
  /** Of those: an answer was shown. */
  readonly answered: number
  /** Of those without an answer: listed as a dead letter. */
  readonly deadLetters: number
  /** Neither. */
  readonly lost: number
  /** Messages that stand in the transcript twice. */
  readonly doubledTurns: number
  /** Answers that were shown twice, and whose record says that they may have been. */
  readonly markedDoubles: number
  /** Answers that were shown twice, and whose record says nothing of it. */
  readonly unmarkedDoubles: number
  /** Answers of one person's messages to a bot, shown in another order than they were asked. */
  readonly outOfOrder: number
  readonly examples: readonly string[]
}

export function isSound(figures: Figures): boolean {
  const { lost, doubledTurns, unmarkedDoubles, outOfOrder } = figures
  return lost + doubledTurns + unmarkedDoubles + outOfOrder === 0
}

/** `path` is the store of a gateway that has ended. */
export function count(ledger: Ledger, path: string): Figures {
  const store = new DatabaseSync(path, { readOnly: true })
  try {
    return figuresOf(ledger, contentOf(store))
  } finally {
    store.close()
  }
}

interface Content {
  readonly outbox: readonly { readonly text: string; readonly uncertain: boolean }[]
  readonly asked: readonly string[]
  readonly journal: readonly string[]
  readonly dead: string
}

function contentOf(store: DatabaseSync): Content {
  const texts = (sql: string): string[] =>
    store
      .prepare(sql)
      .all()
      .map(({ text }) => String(text))
  const outbox = store.prepare('SELECT text, uncertain FROM outbox').all()
  return {
    outbox: outbox.map(({ text, uncertain }) => ({ text: String(text), uncertain: uncertain === 1 })),
    asked: texts("SELECT text FROM transcript WHERE role = 'user'"),
    // What a web conversation shows is this journal; test/e2e reads it through its events.
    journal: texts("SELECT text FROM journal WHERE role = 'assistant'"),
    dead: texts('SELECT text FROM dead_letters').join('\n'),
  }
}

function figuresOf(ledger: Ledger, content: Content): Figures {
  const shown = shownLines(ledger, content)
  const accepted = [...ledger.telegram, ...ledger.web.filter((said) => said.accepted)].map(({ text }) => text)
  const unanswered = accepted.filter((text) => !shown.has(text))
  const dead = unanswered.filter((text) => content.dead.split('\n').some((line) => textIn(line) === text))
  const lost = unanswered.filter((text) => !dead.includes(text))
  const doubles = accepted.filter((text) => (shown.get(text) ?? 0) > 1)
  const unmarked = doubles.filter((text) => !isMarked(text, content))
  const asked = tally(content.asked)
  const turns = [...asked].filter(([, times]) => times > 1).map(([text]) => text)
  const late = outOfOrder(ledger)
  const named = (what: string, texts: readonly string[]) => texts.slice(0, 5).map((text) => `${what}: ${text}`)
  return {
    accepted: accepted.length,
    answered: accepted.length - unanswered.length,
    deadLetters: dead.length,
    lost: lost.length,
    doubledTurns: turns.length,
    markedDoubles: doubles.length - unmarked.length,
    unmarkedDoubles: unmarked.length,
    outOfOrder: late.length,
    examples: [
      ...named('lost', lost),
      ...named('doubled turn', turns),
      ...named('unmarked double', unmarked),
      ...named('out of order', late),
    ],
  }
}

/** One answer in the outbox, and its record says that it may stand there twice. */
function isMarked(text: string, { outbox }: Content): boolean {
  const records = outbox.filter((record) => record.text.split('\n').some((line) => textIn(line) === text))
  return records.length === 1 && records[0]?.uncertain === true
}

/** How often each message's answer was shown. */
function shownLines(ledger: Ledger, { journal }: Content): Map<string, number> {
  const chats = new Set(ledger.telegram.map(({ bot, person }) => chatLines(bot.shown(person.id))))
  const perChat = new Map([...chats].map((lines) => [lines.join('\n'), lines]))
  return tally([...perChat.values(), journal.flatMap((text) => text.split('\n'))].flat().map(textIn))
}

function outOfOrder(ledger: Ledger): string[] {
  const chats = Map.groupBy(ledger.telegram, ({ channel, conversation }) => `${channel}/${conversation}`)
  return [...chats.values()].flatMap((said) => {
    const [first] = said
    if (first === undefined) return []
    const shown = [...new Set(chatLines(first.bot.shown(first.person.id)).map(textIn))]
    const asked = said.map(({ text }) => text).filter((text) => shown.includes(text))
    const answered = shown.filter((text) => asked.includes(text))
    return answered.filter((text, index) => text !== asked[index])
  })
}

function chatLines(shown: readonly { readonly from: { readonly isBot: boolean }; readonly text: string }[]): string[] {
  return shown.filter(({ from }) => from.isBot).flatMap(({ text }) => text.split('\n'))
}

function textIn(line: string): string {
  return line.replace(/^\w+ heard: /, '')
}

function tally(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}
