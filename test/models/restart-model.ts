// A channel that fails by a defect, under its gateway and beside another channel, all of it real: when it is started again, when it
// is given up, what brings it back, and that nothing of it is left over. The other one must notice nothing.

import { expect } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { channelActor } from '../../src/actors/channel.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { type GatewayLogic, openHouse } from '../support/house.ts'
import { type Model, reducerModel, type Subject } from '../support/paths.ts'
import { settled } from '../support/world.ts'

type Event = { readonly type: 'fails' | 'failsOften' | 'cut' | 'time' | 'file' | 'other' }

interface Seen {
  readonly [key: string]: unknown
  readonly at: 'live' | 'retrying' | 'failed'
  /** Why it waits: its connection, or itself. */
  readonly of: 'connection' | 'channel' | null
  readonly failures: number
  /** Connections that were cut since it was started. */
  readonly cuts: number
  readonly answered: number
  readonly files: number
}

const BEGINNING: Seen = { at: 'live', of: null, failures: 0, cuts: 0, answered: 0, files: 0 }

/** Restarts in a row that a channel gets, and how many failures one event of the model stands for. */
const RESTARTS_MAX = 10
const OFTEN = 9

const machine = reducerModel<Seen, Event>(BEGINNING, (seen, { type }) => {
  switch (type) {
    case 'fails': {
      const failures = seen.failures + 1
      return { ...seen, failures, cuts: 0, at: failures > RESTARTS_MAX ? 'failed' : 'retrying', of: 'channel' }
    }
    case 'failsOften':
      return { ...seen, failures: seen.failures + OFTEN }
    case 'cut':
      return { ...seen, cuts: seen.cuts + 1, at: 'retrying', of: 'connection' }
    case 'time':
      return seen.at === 'retrying' ? { ...seen, at: 'live', of: null } : seen
    case 'file':
      // What it was made from has changed: it is tried anew.
      return { ...seen, at: 'live', of: null, failures: 0, cuts: 0, files: 1 }
    case 'other':
      return { ...seen, answered: seen.answered + 1 }
  }
})

export const restarts: Model<typeof machine> = {
  machine,
  events: [
    { type: 'fails' },
    { type: 'failsOften' },
    { type: 'cut' },
    { type: 'time' },
    { type: 'file' },
    { type: 'other' },
  ],
  possible({ context: { at, of, failures, cuts, answered, files } }, { type }) {
    switch (type) {
      case 'fails':
        return of !== 'channel' && files === 0 && (failures < 2 || failures >= RESTARTS_MAX)
      case 'failsOften':
        return at === 'live' && failures === 1 && files === 0
      case 'cut':
        return at === 'live' && cuts < 2 && failures < 2
      case 'time':
        return true
      case 'file':
        return at !== 'live' && files === 0 && of === 'channel'
      case 'other':
        return answered === 0
    }
  },
}

type Change = (real: GatewayLogic) => GatewayLogic

export async function restartsSubject(broken: Change = (real) => real): Promise<Subject<typeof machine>> {
  const house = await openHouse({
    channels: { a: {}, b: {} },
    change: (real, parts) => {
      // A channel has a defect where it hears of a child that nobody knows.
      const failing = channelActor(parts).provide({
        actions: {
          freePlace: ({ event }) => {
            if (event.type === 'child.stopped' && event.child === DEFECT) throw new Error('a defect')
          },
        },
      })
      return broken(real.provide({ actors: { channel: endingItsChildren(failing) } }))
    },
  })
  const { gateway, world } = house
  const fails = (): void => gateway.system.get('channel:a')?.send({ type: 'child.stopped', child: DEFECT, routed: 1 })
  const play: Record<Event['type'], () => unknown> = {
    fails,
    async failsOften() {
      for (let failure = 2; failure <= OFTEN + 1; failure += 1) {
        fails()
        await world.advance(doubling(failure))
      }
    },
    cut: () => house.platform('a').breaks(new FailureError(CUT)),
    time: () => world.advance(waits ?? 1_000),
    file: () => house.redefine({ channels: { a: { token: { secret: 'channels.a.token', renewed: 1 } }, b: {} } }),
    async other() {
      await house.says('b', 'hello')
      await house.thoughts.at(-1)?.answer('hello')
    },
  }
  let waits: number | null = null
  return {
    async play(event) {
      await play[event.type]()
      await settled()
    },
    compare({ context: seen }) {
      waits = waitOf(seen)
      const due = world.pending()
      expect({
        status: gateway.getSnapshot().status,
        reports: ['a', 'b'].map((id) => house.reports.get(id)?.state),
        connected: ['a', 'b'].map((id) => house.platform(id).isConnected),
        // Others wait for longer.
        waits: due.filter((ms) => ms < 60_000).filter((ms) => ms === waits),
        answered: house.platform('b').sent.length,
      }).toEqual({
        status: 'active',
        reports: [seen.at, 'live'],
        connected: [seen.at === 'live', true],
        waits: waits === null ? [] : [waits],
        answered: seen.answered,
      })
    },
    async close() {
      house.kill()
    },
  }
}

/** A second, then twice as long each time, a minute at most. */
function waitOf({ at, of, failures, cuts }: Seen): number | null {
  if (at !== 'retrying') return null
  return doubling(of === 'connection' ? cuts : failures)
}

function doubling(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), 60_000)
}

const DEFECT = 'session:of nobody'

const CUT = { kind: 'retryable', reason: 'unavailable', message: 'cut' } as const
