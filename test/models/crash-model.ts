// A session with its delivery, and a process that may be lost at any moment between: what the model is asked, what waits for the
// disk, what is sent, and what arrived. S3: nothing is sent before it is committed. S41: what was accepted is answered. D2: what
// may have arrived already is sent again once, and is said to be uncertain.

import { expect } from 'vitest'
import { type HeldThought, type House, type HouseOptions, openHouse } from '../support/house.ts'
import { type Model, reducerModel, type Subject } from '../support/paths.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'

type Event = { readonly type: 'says' | 'answers' | 'disk' | 'took' | 'crash' }

interface Seen {
  readonly [key: string]: unknown
  readonly at: 'idle' | 'thinking' | 'committing' | 'sending' | 'recording'
  readonly written: number
  /** What people have on their screens. */
  readonly arrived: readonly string[]
  readonly uncertain: boolean
  readonly crashes: number
}

const BEGINNING: Seen = { at: 'idle', written: 0, arrived: [], uncertain: false, crashes: 0 }

const machine = reducerModel<Seen, Event>(BEGINNING, (seen, { type }) => {
  switch (type) {
    case 'says':
      return seen.at === 'idle' ? { ...seen, at: 'thinking', written: seen.written + 1 } : seen
    case 'answers':
      return seen.at === 'thinking' ? { ...seen, at: 'committing' } : seen
    case 'disk':
      if (seen.at === 'committing') return { ...seen, at: 'sending' }
      return seen.at === 'recording' ? { ...seen, at: 'idle', uncertain: false } : seen
    case 'took':
      return seen.at === 'sending' ? { ...seen, at: 'recording', arrived: [...seen.arrived, `${seen.written}`] } : seen
    case 'crash': {
      const crashes = seen.crashes + 1
      if (seen.at === 'committing') return { ...seen, at: 'thinking', crashes }
      if (seen.at === 'sending' || seen.at === 'recording') return { ...seen, at: 'sending', uncertain: true, crashes }
      return { ...seen, crashes }
    }
  }
})

export const crashes: Model<typeof machine> = {
  machine,
  events: [{ type: 'says' }, { type: 'answers' }, { type: 'disk' }, { type: 'took' }, { type: 'crash' }],
  possible({ context: { at, written, crashes } }, { type }) {
    if (type === 'says') return at === 'idle' && written < 2
    return type !== 'crash' || crashes < (written === 1 ? 2 : 1)
  },
}

interface Gates {
  readonly commits: Held<void>[]
  readonly receipts: Held<void>[]
}

/** What a broken disk is made of. */
interface Disk {
  readonly real: Store
  /** Waits for the test where it must. */
  readonly gated: Store
  /** Waits as a commit does. */
  readonly waits: () => Promise<void>
  /** Somebody says that a reply is owed. */
  readonly tells: () => void
}

export async function crashesSubject(
  broken: (disk: Disk) => Store = ({ gated }) => gated,
): Promise<Subject<typeof machine>> {
  const world = testWorld()
  const store = openMemoryStore({ world })
  let gates: Gates = { commits: [], receipts: [] }
  let house: House | null = null
  const sends: { readonly text: string; readonly uncertain: boolean; readonly end: Held<void> }[] = []
  const over = new Set<HeldThought>()
  const arrived: string[] = []

  /** A new process on the same disk: what the old one still waited for never comes. */
  async function opens(): Promise<House> {
    const own: Gates = { commits: [], receipts: [] }
    gates = own
    sends.length = 0
    const tells = (): void => house?.gateway.send({ type: 'outbox.owed', channel: 'a', conversation: 'c1' })
    const waits = () => through(own.commits)
    return openHouse({
      world,
      store,
      everySend: send,
      wrap: (real) => broken({ real, gated: gated(real, own), waits, tells }),
    })
  }
  const send: NonNullable<HouseOptions['everySend']> = ({ text, uncertain }) => {
    const end = held<void>()
    sends.push({ text, uncertain, end })
    return end.promise
  }
  house = await opens()
  const working = () => house?.thoughts.find((thought) => !thought.closed() && !over.has(thought))
  let written = 0
  const play: Record<Event['type'], () => unknown> = {
    says() {
      written += 1
      return house?.says('a', `${written}`)
    },
    async answers() {
      const thought = working()
      if (thought === undefined) return
      over.add(thought)
      await thought.answer(thought.request.messages[0]?.text ?? '')
    },
    disk: () => (gates.commits.shift() ?? gates.receipts.shift())?.resolve(),
    took() {
      const taken = sends.shift()
      if (taken === undefined) return
      arrived.push(taken.text)
      taken.end.resolve()
    },
    async crash() {
      house?.kill()
      house = await opens()
    },
  }
  return {
    async play(event) {
      await play[event.type]()
      await settled()
    },
    async compare({ context: seen }) {
      const { outbox, messages } = await store.counts()
      const { at } = seen
      const isOpen = at === 'thinking' || at === 'committing'
      expect({
        asked: working()?.request.messages[0]?.text ?? null,
        disk: { commits: gates.commits.length, receipts: gates.receipts.length },
        sending: sends.map(({ text, uncertain }) => ({ text, uncertain })),
        arrived,
        owed: outbox,
        answered: messages.answered,
      }).toEqual({
        asked: at === 'thinking' ? `${seen.written}` : null,
        disk: { commits: at === 'committing' ? 1 : 0, receipts: at === 'recording' ? 1 : 0 },
        sending: at === 'sending' ? [{ text: `${seen.written}`, uncertain: seen.uncertain }] : [],
        arrived: seen.arrived,
        owed: at === 'sending' || at === 'recording' ? 1 : 0,
        answered: seen.written - (isOpen ? 1 : 0),
      })
    },
    async close() {
      house?.kill()
      await store.close()
    },
  }
}

/** Commits with a reply, and receipts, wait for the test. */
function gated(real: Store, { commits, receipts }: Gates): Store {
  return {
    ...real,
    async commit(commit) {
      if (commit.replies.length > 0) await through(commits)
      return real.commit(commit)
    },
    async receipt(...receipt) {
      await through(receipts)
      return real.receipt(...receipt)
    },
  }
}

async function through(line: Held<void>[]): Promise<void> {
  const gate = held<void>()
  line.push(gate)
  await gate.promise
}
