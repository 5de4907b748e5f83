// Calls: the record of every request to one bot, and waiting for something to become true of that bot.
// Waiting is driven by changes: nothing here polls.

import type { ApiCall } from './control.ts'

export class CallLog {
  readonly calls: RecordedCall[] = []
  readonly #watchers = new Set<() => void>()

  begin(method: string, payload: Readonly<Record<string, unknown>>): RecordedCall {
    const call = new RecordedCall(method, payload, () => this.changed())
    this.calls.push(call)
    this.changed()
    return call
  }

  /** To be called after anything that a waiting predicate might look at. */
  changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** `goal` says in the error what was waited for. */
  waitFor<T>(predicate: () => T | undefined | false, timeoutMs: number, goal = String(predicate)): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        act()
      }
      const look = (): void => {
        try {
          const value = predicate()
          if (value !== undefined && value !== false) settle(() => resolve(value))
        } catch (error) {
          settle(() => reject(error))
        }
      }
      const timer = setTimeout(() => settle(() => reject(new Error(this.#report(goal, timeoutMs)))), timeoutMs)
      this.#watchers.add(look)
      look()
    })
  }

  #report(goal: string, timeoutMs: number): string {
    const lines = this.calls.slice(-REPORTED_CALLS_MAX).map(describeCall)
    const earlier = this.calls.length - lines.length
    const omitted = earlier === 0 ? [] : [`  … ${earlier} earlier calls`]
    const heading = `Waited ${timeoutMs} ms in vain for: ${goal}`
    return [heading, `The calls so far (${this.calls.length}):`, ...omitted, ...lines].join('\n')
  }
}

export class RecordedCall implements ApiCall {
  readonly method: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly at = performance.now()
  status: number | null = null
  description?: string
  endedAt: number | null = null
  aborted = false
  readonly #changed: () => void

  constructor(method: string, payload: Readonly<Record<string, unknown>>, changed: () => void) {
    this.method = method
    this.payload = payload
    this.#changed = changed
  }

  answered(status: number, description: string | undefined): void {
    this.status = status
    if (description !== undefined) this.description = description
    this.#end()
  }

  /** The server cut the connection. */
  cut(): void {
    this.#end()
  }

  abortedByClient(): void {
    this.aborted = true
    this.#end()
  }

  #end(): void {
    if (this.endedAt !== null) return
    this.endedAt = performance.now()
    this.#changed()
  }
}

/** Enough to see what went on; a wedged poller can make thousands. */
const REPORTED_CALLS_MAX = 40

function describeCall(call: ApiCall): string {
  const payload = JSON.stringify(call.payload)
  const shown = payload.length > 200 ? `${payload.slice(0, 200)}…` : payload
  const outcome = call.aborted ? 'aborted by the client' : (call.status ?? (call.endedAt === null ? 'open' : 'cut'))
  const description = call.description === undefined ? '' : ` ${call.description}`
  return `  ${call.at.toFixed(0)} ms ${call.method} ${shown} → ${outcome}${description}`
}
