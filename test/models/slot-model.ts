// Two sessions with one slot, all of it real: who works, who waits, and what people are told. First come, first served: a session
// that has more to do waits behind the other; whoever stops, fails or breaks gives the slot back.

import { expect } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { type HeldThought, type House, type HouseOptions, openHouse } from '../support/house.ts'
import { type Model, reducerModel, type Subject } from '../support/paths.ts'
import { settled } from '../support/world.ts'

type Person = 'c1' | 'c2'

type Event =
  | { readonly type: 'says'; readonly who: Person }
  | { readonly type: 'stops'; readonly who: Person }
  | { readonly type: 'answers' }
  | { readonly type: 'fails' }
  | { readonly type: 'breaks' }
  | { readonly type: 'time' }

interface Seen {
  readonly [key: string]: unknown
  /** Messages that each still owes an answer, oldest first. */
  readonly open: Readonly<Record<Person, readonly string[]>>
  /** Who works and who waits, in order. */
  readonly line: readonly Person[]
  /** It broke, and waits for its restart. */
  readonly broken: Person | null
  readonly hasBroken: boolean
  readonly heard: Readonly<Record<Person, number>>
  readonly said: readonly string[]
}

const BEGINNING: Seen = {
  open: { c1: [], c2: [] },
  line: [],
  broken: null,
  hasBroken: false,
  heard: { c1: 0, c2: 0 },
  said: [],
}

const machine = reducerModel<Seen, Event>(BEGINNING, (before, event) => {
  const seen: Seen = { ...before, said: [] }
  const [first] = seen.line
  switch (event.type) {
    case 'says': {
      const { who } = event
      const heard = { ...seen.heard, [who]: seen.heard[who] + 1 }
      const open = { ...seen.open, [who]: [...seen.open[who], `${who} ${heard[who]}`] }
      const isThere = seen.line.includes(who) || seen.broken === who
      return { ...seen, heard, open, line: isThere ? seen.line : [...seen.line, who] }
    }
    case 'stops': {
      const { who } = event
      const hasWork = seen.line.includes(who)
      const said = [`${who}: ${hasWork ? 'stopped' : 'nothing to stop'}`]
      return { ...seen, open: { ...seen.open, [who]: [] }, line: seen.line.filter((each) => each !== who), said }
    }
    case 'answers':
    case 'fails': {
      if (first === undefined) return seen
      const [text, ...left] = seen.open[first]
      const said = [`${first}: ${event.type === 'fails' ? 'failure' : `answer to ${text}`}`]
      const others = seen.line.slice(1)
      return {
        ...seen,
        open: { ...seen.open, [first]: left },
        line: left.length > 0 ? [...others, first] : others,
        said,
      }
    }
    case 'breaks':
      return first === undefined ? seen : { ...seen, line: seen.line.slice(1), broken: first, hasBroken: true }
    case 'time':
      return seen.broken === null ? seen : { ...seen, line: [...seen.line, seen.broken], broken: null }
  }
})

export const oneSlot: Model<typeof machine> = {
  machine,
  events: [
    { type: 'says', who: 'c1' },
    { type: 'says', who: 'c2' },
    { type: 'stops', who: 'c1' },
    { type: 'stops', who: 'c2' },
    { type: 'answers' },
    { type: 'fails' },
    { type: 'breaks' },
    { type: 'time' },
  ],
  possible({ context: { heard, line, broken, hasBroken, open } }, event) {
    const isFresh = heard.c1 + heard.c2 < 3
    switch (event.type) {
      case 'says':
        return event.who === 'c1' ? heard.c1 < 2 && (heard.c1 < 1 || line.length > 0) : heard.c2 < 1
      case 'stops':
        return broken !== event.who && (line.length > 0 || isFresh)
      case 'answers':
        return line.length > 0
      case 'fails':
        return line.length > 1
      case 'breaks':
        return line.length > 0 && !hasBroken && open.c1.length < 2 && heard.c1 === 1
      case 'time':
        return broken !== null
    }
  },
}

export async function oneSlotSubject(options: Pick<HouseOptions, 'change'> = {}): Promise<Subject<typeof machine>> {
  const house = await openHouse({ gateway: { concurrentRuns: 1 }, ...options })
  const heard: Record<Person, number> = { c1: 0, c2: 0 }
  let sent = 0
  const over = new Set<HeldThought>()
  async function ends(how: (thought: HeldThought) => Promise<void>): Promise<void> {
    const thought = working(house, over)
    if (thought === undefined) return
    over.add(thought)
    await how(thought)
  }
  const play: { [T in Event['type']]: (event: Extract<Event, { type: T }>) => unknown } = {
    says({ who }) {
      heard[who] += 1
      return house.says('a', `${who} ${heard[who]}`, { conversation: who })
    },
    stops: ({ who }) => house.says('a', '/stop', { conversation: who }),
    answers: () => ends((thought) => thought.answer(`answer to ${askedOf(thought)}`)),
    fails: () => ends((thought) => thought.fail(new FailureError(AWAY))),
    breaks: () => ends((thought) => thought.fail(new TypeError('a defect'))),
    time: () => house.world.advance(1_000),
  }
  return {
    async play(event) {
      sent = house.platform('a').sent.length
      await play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    compare({ context: seen }) {
      const { pending, running } = house.census()
      const [first, ...others] = seen.line
      expect({
        asked: askedOf(working(house, over)),
        said: house.platform('a').sent.slice(sent).map(wordsOf),
        running,
        pending,
      }).toEqual({
        asked: first === undefined ? null : seen.open[first][0],
        said: seen.said,
        running: first === undefined ? 0 : 1,
        pending: others.length,
      })
    },
    async close() {
      house.kill()
    },
  }
}

function askedOf(thought: HeldThought | undefined): string | null {
  return thought?.request.messages[0]?.text ?? null
}

/** The turn that is with the model. */
function working({ thoughts }: House, over: ReadonlySet<HeldThought>): HeldThought | undefined {
  return thoughts.findLast((thought) => !thought.closed() && !over.has(thought))
}

function wordsOf({ conversation, text }: { conversation: string; text: string }): string {
  const [, words = text] = WORDS.find(([pattern]) => pattern.test(text)) ?? []
  return `${conversation}: ${words}`
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Stopped\./, 'stopped'],
  [/^There is nothing to stop/, 'nothing to stop'],
  [/^I could not answer/, 'failure'],
]

const AWAY = { kind: 'retryable', reason: 'unavailable', message: 'the model is away' } as const
