// Inspection: whether the Stately inspector may look at the running gateway, and at what. Opened at the start or later, by an
// operator's word; changed and ended the same way. Owns the relay.
//   Nothing is paid for it before it is opened: its library is loaded then.
//   One wish after the other, so that two of them open one relay; after `close` none is granted.

import { isDeepStrictEqual } from 'node:util'
import { FailureError } from '../../machines/failure.ts'
import type { InspectionView, InspectionWish } from '../http/port.ts'
import type { RootActor } from '../inspect/actor.ts'
import type { Relay } from '../inspect/relay.ts'
import type { Watch } from '../inspect/watch.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'

export interface Inspection {
  /** Opens it, or changes what is shown. Throws FailureError: `notFound` when there is nothing of that name to watch. */
  open(wish: InspectionWish): Promise<InspectionView>
  /** False: it was not open. */
  end(): Promise<boolean>
  close(): Promise<void>
}

export interface InspectionParts {
  readonly root: RootActor
  /** The ids of the channels, at the moment of asking. */
  readonly channels: () => readonly string[]
  readonly world: World
  readonly log: Log
}

export function createInspection({ root, channels, world, log }: InspectionParts): Inspection {
  let relay: Relay | null = null
  let current: Current = UNASKED
  let closed = false
  let turn: Promise<unknown> = Promise.resolve()

  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const acted = turn.then(act)
    // A wish that failed is its own asker's concern.
    turn = acted.catch(() => {})
    return acted
  }

  async function grant({ watch, texts }: InspectionWish): Promise<InspectionView> {
    if (closed) throw new FailureError(CLOSED)
    const { shownOf, startRelay } = await import('../inspect/relay.ts')
    const { watchOf } = await import('../inspect/watch.ts')
    const wanted = {
      watch: watch === undefined ? current.watch : watchOf(watch, channels()),
      texts: texts ?? current.texts,
    }
    const shown = shownOf({ root, ...wanted, world, log })
    const outcome = relay === null ? 'opened' : isDeepStrictEqual(wanted, current) ? 'unchanged' : 'changed'
    if (outcome === 'changed') relay?.change(shown)
    relay ??= await startRelay({ ...shown, host: '127.0.0.1', port: 0, world, log })
    current = wanted
    const { url, page } = relay
    if (outcome !== 'unchanged') log.info({ ...shown.view, url }, 'an inspector may look at the machines')
    return { ...shown.view, outcome, url, page }
  }

  async function end(): Promise<boolean> {
    const ended = relay
    relay = null
    current = UNASKED
    await ended?.close()
    return ended !== null
  }

  return {
    open: (wish) => inTurn(() => grant(wish)),
    end: () => inTurn(end),
    close() {
      closed = true
      return inTurn(end).then(() => {})
    },
  }
}

interface Current {
  readonly watch: Watch
  readonly texts: boolean
}

const UNASKED: Current = { watch: 'everything', texts: false }

const CLOSED = {
  kind: 'retryable',
  reason: 'unavailable',
  message: 'this gateway is stopping, and opens no inspector any more',
} as const
