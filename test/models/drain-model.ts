// The gateway's drain with a run and a delivery that may hang, all of it real: what is waited for, how long, and what is left on
// disk. S44: exit is never later than `drain` and a moment, whatever hangs, and nothing that was accepted is lost.

import { expect } from 'vitest'
import { type HeldThought, type HouseOptions, openHouse } from '../support/house.ts'
import { type Model, reducerModel, type Subject } from '../support/paths.ts'
import { type Held, held, settled } from '../support/world.ts'

type Event = { readonly type: 'says' | 'answers' | 'took' | 'drain' | 'time' }

interface Seen {
  readonly [key: string]: unknown
  readonly at: 'serving' | 'finishing' | 'flushing' | 'stopped'
  /** What became of each message, the oldest first. */
  readonly messages: readonly ('thinking' | 'waiting' | 'sending' | 'told')[]
}

const BEGINNING: Seen = { at: 'serving', messages: [] }

const machine = reducerModel<Seen, Event>(BEGINNING, (seen, { type }) => {
  const { at, messages } = seen
  if (at === 'stopped') return seen
  switch (type) {
    case 'says':
      return { ...seen, messages: [...messages, messages.includes('thinking') ? 'waiting' : 'thinking'] }
    case 'answers': {
      if (!messages.includes('thinking')) return seen
      const after = changed(
        changed(messages, 'thinking', 'sending'),
        'waiting',
        at === 'serving' ? 'thinking' : 'waiting',
      )
      return quiet({ ...seen, messages: after })
    }
    case 'took':
      return quiet({ ...seen, messages: changed(messages, 'sending', 'told') })
    case 'drain':
      return at === 'serving' ? quiet({ ...seen, at: 'finishing' }) : seen
    case 'time':
      if (at === 'serving') return seen
      // The time of the run is over, then that of the outbox; what is not over is on disk.
      return quiet({
        at: at === 'finishing' ? 'flushing' : 'stopped',
        messages: changed(messages, 'thinking', 'waiting'),
      })
  }
})

function changed(messages: Seen['messages'], from: Seen['messages'][number], to: Seen['messages'][number]) {
  const at = messages.indexOf(from)
  return messages.map((message, index) => (index === at ? to : message))
}

/** Nothing is waited for that has ended. */
function quiet(seen: Seen): Seen {
  const at = seen.at === 'finishing' && !seen.messages.includes('thinking') ? 'flushing' : seen.at
  return { ...seen, at: at === 'flushing' && !seen.messages.includes('sending') ? 'stopped' : at }
}

export const drain: Model<typeof machine> = {
  machine,
  events: [{ type: 'says' }, { type: 'answers' }, { type: 'took' }, { type: 'drain' }, { type: 'time' }],
  possible({ context: { at, messages } }, { type }) {
    if (type === 'says') return at === 'serving' && messages.length < 2
    if (type === 'answers') return messages.includes('thinking')
    return type === 'took' ? messages.includes('sending') && at !== 'stopped' : type !== 'time' || at !== 'serving'
  },
}

const DRAIN_MS = 20_000
const FLUSH_MS = 1_500

export async function drainSubject(options: Pick<HouseOptions, 'change'> = {}): Promise<Subject<typeof machine>> {
  const sends: Held<void>[] = []
  const house = await openHouse({ gateway: { drainMs: DRAIN_MS }, ...options })
  const { gateway, world, store } = house
  const over = new Set<HeldThought>()
  const working = () => house.thoughts.find((thought) => !thought.closed() && !over.has(thought))
  const play: Record<Event['type'], () => unknown> = {
    async says() {
      const end = held<void>()
      house.platform('a').nextSend.push(() => {
        sends.push(end)
        return end.promise
      })
      await house.says('a', 'hello')
    },
    async answers() {
      const thought = working()
      if (thought === undefined) return
      over.add(thought)
      await thought.answer('yes')
    },
    took: () => sends.shift()?.resolve(),
    drain: () => gateway.send({ type: 'drain' }),
    time: () => world.advance(gateway.getSnapshot().matches({ draining: 'flushing' }) ? FLUSH_MS : DRAIN_MS),
  }
  return {
    async play(event) {
      await play[event.type]()
      await settled()
      // The outbox is looked at every now and then.
      if (event.type !== 'drain' || gateway.getSnapshot().status === 'active') await world.advance(25)
    },
    async compare({ context: { at, messages } }) {
      const { outbox, messages: counts } = await store.counts()
      const count = (...what: readonly string[]) => messages.filter((message) => what.includes(message)).length
      const isOver = at === 'stopped'
      expect({
        status: gateway.getSnapshot().status,
        connected: house.platform('a').isConnected,
        thinking: working() !== undefined,
        sending: isOver ? 0 : sends.length,
        told: house.platform('a').sent.length,
        disk: { outbox, waiting: counts.waiting, answered: counts.answered },
      }).toEqual({
        status: isOver ? 'done' : 'active',
        connected: at === 'serving',
        thinking: count('thinking') > 0,
        sending: isOver ? 0 : Math.min(1, count('sending')),
        told: count('told'),
        disk: { outbox: count('sending'), waiting: count('thinking', 'waiting'), answered: count('sending', 'told') },
      })
    },
    async close() {
      house.kill()
    },
  }
}
