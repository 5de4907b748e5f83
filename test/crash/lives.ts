// Lives: one process of a town's gateway, from its launch to its death, while people speak.

import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { type GatewayProcess, launch } from '../support/gateway-process.ts'
import type { Death } from './aims.ts'
import { BREAK } from './broken.ts'
import { CRASH_AT, cameBy, crashPointIn, SAY_PASSAGES } from './passages.ts'
import { postWaiting, provide, somebodySpeaks } from './people.ts'
import { factsOf, type Point, POINT_NAMES } from './points.ts'
import type { Town } from './town.ts'

export interface Life {
  readonly town: Town
  readonly name: string
  readonly death: Death
  /** A broken subject, by its name. */
  readonly broken: string | null
}

/** How a life ended: as it should, at any moment instead of its point, or by itself at the end of its drain. */
export type End = Death['kind'] | 'elsewhere than at its point' | 'drained'

/** One message so often, and so many in a life: a slow machine makes lives longer, and is not to fall behind. */
const SPEAK_MS = 10
const UNHEARD_MAX = 20
const HEARD_MAX = 50
const SELDOM = 5

const LOOK_MS = 50

/** A life that is to die at a point has come by it by then, from its address on. */
const AIM_MS_MAX = 10_000

/** Before it is told to stop a life that dies in its drain has worked so long. */
const WORK_MS = 150

const END_MS_MAX = 30_000

export async function oneLife(life: Life): Promise<End> {
  const { town, death, name } = life
  const point = death.kind === 'at a point' ? { [CRASH_AT]: `${death.point}#${death.passage}` } : {}
  provide(town, death.kind === 'at a point' ? factsOf(death.point).needs : undefined, name)
  const gateway = launched(town, life.broken, point)
  const noted = noteSpan(town, gateway)
  const speaking = new AbortController()
  const talk = talkUntil(town, gateway, { name, signal: speaking.signal, most: HEARD_MAX })
  let killed = false
  try {
    await Promise.race([gateway.exited(END_MS_MAX), itsTime(gateway, death)])
    killed = !gateway.hasEnded
  } finally {
    if (!gateway.hasEnded) await gateway.kill9()
    noted()
    speaking.abort()
    await talk
  }
  return endOf(gateway, death, killed)
}

/** Nobody speaks any more; everything that was said is accepted, answered and delivered, or nothing has moved for `stallMs`. */
export async function lastLife(town: Town, broken: string | null, stallMs: number): Promise<void> {
  const gateway = launched(town, broken, {})
  const noted = noteSpan(town, gateway)
  try {
    await gateway.listens()
    let left = Number.POSITIVE_INFINITY
    let movedAt = performance.now()
    while (left > 0 && performance.now() - movedAt < stallMs) {
      await postWaiting(gateway, town.ledger)
      const before = left
      left = await leftToDo(town, gateway)
      if (left < before) movedAt = performance.now()
      await sleep(LOOK_MS)
    }
    await gateway.stop()
  } finally {
    if (!gateway.hasEnded) await gateway.kill9()
    noted()
  }
}

/** Call it when the process has ended; one that never listened sent nothing. */
function noteSpan({ ledger }: Town, gateway: GatewayProcess): () => void {
  let fromMs: number | null = null
  const listens = (): void => void (fromMs = performance.now())
  gateway.listens(END_MS_MAX).then(listens, () => {})
  return () => {
    if (fromMs !== null) ledger.lives.push({ fromMs, toMs: performance.now() })
  }
}

/** A life that ends by itself once it came by every point that is not of a drain; resolves with those that it never came by. */
export async function pointsMissed(town: Town, withinMs: number): Promise<readonly Point[]> {
  const gateway = launched(town, null, { [SAY_PASSAGES]: '1' })
  const speaking = new AbortController()
  for (const need of ['a refused send', 'a blocked send', '/undo'] as const) provide(town, need, 'first')
  const talk = talkUntil(town, gateway, { name: 'life', signal: speaking.signal, most: Number.POSITIVE_INFINITY })
  const missed = () => POINT_NAMES.filter((point) => !cameBy(gateway.errors(), point))
  const deadline = performance.now() + withinMs
  try {
    await gateway.listens()
    const isAtWork = () => missed().some((point) => factsOf(point).needs !== 'a drain')
    while (isAtWork() && performance.now() < deadline) await sleep(LOOK_MS)
    await gateway.stop()
    return missed()
  } finally {
    if (!gateway.hasEnded) await gateway.kill9()
    speaking.abort()
    await talk
  }
}

async function itsTime(gateway: GatewayProcess, death: Death): Promise<void> {
  if (death.kind === 'in its start') return sleep(death.afterMs)
  // A process that ends before it listens is seen by its end.
  const listens = await gateway.listens().catch(() => null)
  if (listens === null) return
  if (death.kind === 'under load') return sleep(death.afterMs)
  const drains = death.kind === 'in its drain' || factsOf(death.point).needs === 'a drain'
  if (drains) {
    await sleep(WORK_MS)
    gateway.signal('SIGTERM')
  }
  return sleep(death.kind === 'in its drain' ? death.afterMs : AIM_MS_MAX)
}

function endOf(gateway: GatewayProcess, death: Death, killed: boolean): End {
  const at = crashPointIn(gateway.errors())
  if (death.kind === 'at a point' && at === death.point) return 'at a point'
  if (killed) return death.kind === 'at a point' ? 'elsewhere than at its point' : death.kind
  // Nobody killed it. A drain that came to its end in time is one; anything else is a finding.
  if (gateway.output().includes('Draining: ')) return 'drained'
  throw new Error(`The gateway ended by itself.\n${gateway.output()}${gateway.errors()}`)
}

const CHILD = fileURLToPath(new URL('./child-crash-point.ts', import.meta.url))

/** The locks on tokens lie in the town's folder too. */
function launched(town: Town, broken: string | null, more: Readonly<Record<string, string>>): GatewayProcess {
  const environment = { TMPDIR: town.folder, ...more, ...(broken === null ? {} : { [BREAK]: broken }) }
  return launch({ folder: town.folder, environment, nodeFlags: ['--import', CHILD] })
}

interface Talking {
  readonly name: string
  readonly signal: AbortSignal
  /** Messages while somebody listens. */
  readonly most: number
}

/** People speak whether or not anybody listens; web clients post when there is somebody to post to. */
async function talkUntil(town: Town, gateway: GatewayProcess, { name, signal, most }: Talking): Promise<void> {
  let posting: Promise<void> | null = null
  let unheard = 0
  let heard = 0
  while (!signal.aborted) {
    const listens = gateway.output().includes('Listening on')
    if (listens) heard += 1
    else unheard += 1
    // A life that waits for its point goes on to be spoken to, but seldom.
    const speaks = listens ? heard <= most || heard % SELDOM === 0 : unheard <= UNHEARD_MAX
    if (speaks) somebodySpeaks(town, `${name}-${unheard + heard}`)
    if (posting === null && listens) {
      posting = postWaiting(gateway, town.ledger).finally(() => {
        posting = null
      })
    }
    await sleep(SPEAK_MS, undefined, { signal }).catch(() => {})
  }
  await posting
}

/** Messages that are said and not accepted, accepted and not answered, answered and not delivered. */
async function leftToDo({ bots, ledger }: Town, gateway: GatewayProcess): Promise<number> {
  const unposted = [...ledger.web, ...ledger.undos].filter(({ accepted }) => !accepted).length
  const unconfirmed = bots.map(({ bot }) => bot.pendingUpdates)
  const metrics = await (await gateway.request('/metrics')).text()
  const value = (name: string) =>
    Number(
      metrics
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')[1],
    )
  const kept = value('troupe_messages{outcome="waiting"} ') + value('troupe_outbox ')
  return unconfirmed.reduce((sum, count) => sum + count, unposted + kept)
}
