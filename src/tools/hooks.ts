// Hooks: runs an operator's programs, so many at once and each within its time; and finds out beforehand whether they are there.
//   Whoever is over the number at once waits in line, and its time runs. The line has a bound (M2).
//   When it is closed, what runs gets a moment and is then ended, whole.

import { FailureError } from '../../machines/failure.ts'
import { type HookAnswer, hookAnswer, type HookDefinition, type HookDocument } from '../../machines/hooks.ts'
import { HOOKS_AT_ONCE_MAX, HOOKS_WAITING_MAX } from '../../machines/limits.ts'
import type { World } from '../world.ts'
import { cancelled, refused, tookTooLong } from './failures.ts'
import type { Groups } from './groups.ts'
import { callExecutable } from './hook-executable.ts'
import { callModule } from './hook-module.ts'

export interface RunnerOptions {
  readonly world: World
  /** Of the configuration. */
  readonly folder: string
  readonly groups: Groups
}

export interface HookCall {
  readonly hook: HookDefinition
  readonly document: HookDocument
  readonly withinMs: number
}

export interface HookRunner {
  /** Rejects with a FailureError when the hook failed, was too slow or said what it may not; with `cancelled` when it was ended. */
  run(call: HookCall, signal: AbortSignal): Promise<HookAnswer>
  /** Ends what runs; resolves when nothing of it does. */
  close(): Promise<void>
}

export function hookRunner({ world, folder, groups }: RunnerOptions): HookRunner {
  const closing = new AbortController()
  const running = new Set<Promise<unknown>>()
  const places = new Places()

  async function inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await places.take(signal)
    const working = work()
    running.add(working)
    try {
      return await working
    } finally {
      running.delete(working)
      places.give()
    }
  }

  return {
    async run({ hook, document, withinMs }, given) {
      const timeMs = Math.max(1, Math.min(hook.timeoutMs, withinMs))
      const late = new AbortController()
      const signal = AbortSignal.any([given, closing.signal, late.signal])
      const beganMs = world.nowMs()
      const timer = world.clock.setTimeout(() => late.abort(), timeMs)
      const call = (): Promise<unknown> => {
        if (signal.aborted) return Promise.reject(cancelled())
        if (hook.kind === 'module') return callModule(hook.path, document, signal)
        const leftMs = Math.max(1, timeMs - (world.nowMs() - beganMs))
        return callExecutable({ path: hook.path, document, folder, groups, world, timeMs: leftMs, signal })
      }
      try {
        const answer = hookAnswer(document.event, await inTurn(call, signal))
        if ('mistake' in answer) throw refused(answer.mistake)
        return answer
      } catch (error) {
        throw late.signal.aborted && !given.aborted ? tookTooLong('it', timeMs) : error
      } finally {
        world.clock.clearTimeout(timer)
      }
    },
    async close() {
      await within(Promise.allSettled(running), CLOSE_MS, world)
      closing.abort()
      await Promise.allSettled(running)
    },
  }
}

/** As many as may run at once, and the line of those who wait for one. */
class Places {
  #taken = 0
  readonly #line: (() => void)[] = []

  /** Resolves when a place is there; rejects when the line is full, or whoever waits is ended. */
  take(signal: AbortSignal): Promise<void> {
    if (this.#taken < HOOKS_AT_ONCE_MAX) {
      this.#taken += 1
      return Promise.resolve()
    }
    if (this.#line.length >= HOOKS_WAITING_MAX) return Promise.reject(new FailureError(TOO_MANY))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const enter = (): void => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = (): void => {
      this.#line.splice(this.#line.indexOf(enter), 1)
      reject(cancelled())
    }
    signal.addEventListener('abort', leave, { once: true })
    this.#line.push(enter)
    return promise
  }

  /** It is handed over: nobody comes in between. */
  give(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#taken -= 1
    else next()
  }
}

/** What hooks get at the end of the process that nobody waits for: of the last runs, for example. */
const CLOSE_MS = 500

async function within(work: Promise<unknown>, ms: number, { clock }: World): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = clock.setTimeout(() => late.resolve(), ms)
  await Promise.race([work, late.promise]).finally(() => clock.clearTimeout(timer))
}

const TOO_MANY = {
  kind: 'retryable',
  reason: 'rateLimited',
  message: `${HOOKS_WAITING_MAX} hooks wait for their turn already`,
} as const
