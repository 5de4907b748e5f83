// What can be seen of a channel's MCP servers, and the real channel held against it: when the actor of one is started, what it is
// told, and what becomes of one that fails. The world has one agent with one server, and a file that changes it or takes it out.

import { expect } from 'vitest'
import type { SnapshotFrom } from 'xstate'
import type { McpDefinition } from '../../machines/definitions.ts'
import { testAgent } from '../support/definitions.ts'
import { type Model, reducerModel, type Subject } from '../support/paths.ts'
import { settled } from '../support/world.ts'
import { type ChannelOptions, channelRig } from './channel-subject.ts'

type Event = { readonly type: 'asks' | 'withdraws' | 'fails' | 'changed' | 'taken out' }

interface Seen {
  readonly [key: string]: unknown
  /** Of the server in the newest file; null: it is not there. */
  readonly newest: number | null
  /** Which one its actor was told of last. */
  readonly told: number
  /** null: it has no actor. */
  readonly heard: readonly string[] | null
  readonly failures: number
}

const BEGINNING: Seen = { newest: 1, told: 1, heard: null, failures: 0 }

function next(seen: Seen, { type }: Event): Seen {
  const { newest, heard } = seen
  const hears = (what: string): Seen => (heard === null ? seen : { ...seen, heard: [...heard, what] })
  switch (type) {
    case 'asks':
      if (newest === null) return seen
      return { ...seen, told: newest, heard: [...(heard ?? [`begins ${newest}`]), 'asked'] }
    case 'withdraws':
      return hears('dropped')
    case 'fails':
      return { ...seen, heard: null, failures: seen.failures + 1 }
    case 'changed': {
      const newer = (newest ?? seen.told) + 1
      return heard === null
        ? { ...seen, newest: newer }
        : { ...hears(`redefined ${newer}`), newest: newer, told: newer }
    }
    case 'taken out':
      return { ...hears('unneeded'), newest: null }
  }
}

const machine = reducerModel<Seen, Event>(BEGINNING, next)

export const servers: Model<typeof machine> = {
  machine,
  events: [{ type: 'asks' }, { type: 'withdraws' }, { type: 'fails' }, { type: 'changed' }, { type: 'taken out' }],
  possible: can,
}

function can({ context: { newest, heard, failures } }: SnapshotFrom<typeof machine>, { type }: Event): boolean {
  const isShort = heard === null || heard.length < 4
  switch (type) {
    case 'asks':
      return newest !== null && isShort
    case 'withdraws':
      return isShort
    case 'fails':
      return heard !== null && failures === 0
    case 'changed':
      return isShort && (newest ?? 3) < 3
    case 'taken out':
      return isShort && newest !== null && failures === 0
  }
}

const ADDRESS = 'mcp:ops/s'

export async function serversSubject(
  options: Pick<ChannelOptions, 'taken' | 'broken'>,
): Promise<Subject<typeof machine>> {
  const rig = channelRig({ first: 'first', ...options })
  await settled()
  let number = 1
  const definition = (): McpDefinition => ({ transport: 'http', url: { secret: 'u' }, headers: {}, timeoutMs: number })
  const asking = { agent: 'ops', server: 's' }
  const plays: Record<Event['type'], () => void> = {
    asks: () =>
      rig.send({ type: 'mcp.requested', ...asking, definition: definition(), ask: { id: '1', what: 'list' } }),
    withdraws: () => rig.send({ type: 'mcp.withdrawn', ...asking, id: '1' }),
    fails: () => rig.server(ADDRESS)?.send({ type: 'fails' }),
    changed() {
      number += 1
      rig.redefines({ ops: testAgent('ops', { mcp: { s: definition() } }) })
    },
    'taken out': () => rig.redefines({ ops: testAgent('ops') }),
  }
  // The file has it from the beginning.
  rig.redefines({ ops: testAgent('ops', { mcp: { s: definition() } }) })
  await settled()
  return {
    async play({ type }) {
      plays[type]()
      await settled()
    },
    compare({ context: { heard } }) {
      const actor = rig.server(ADDRESS)
      expect(actor === undefined ? null : actor.getSnapshot().context.heard).toEqual(heard)
    },
    close: rig.close,
  }
}
