// Slots against a naive model of them: two lists that are searched and copied at each call, as anybody would write it first.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  emptySlots,
  Line,
  releaseSlot,
  releaseWhere,
  requestSlot,
  resizeSlots,
  type Slots,
  type SlotsChange,
  withoutWaiting,
} from '../../machines/slots.ts'

test('S18: never more than the limit, first come first served, nobody waits twice, nobody is forgotten', () => {
  hold(() => new Line(), { numRuns: 100 })
})

const BROKEN: Readonly<Record<string, () => Line>> = {
  'who comes last is served first': () =>
    new (class extends Line {
      override take(count: number): string[] {
        return super.take(this.size).reverse().slice(0, count)
      }
    })(),
  'a key waits twice': () => new Repeating(),
  'who has left is served all the same': () =>
    new (class extends Line {
      override remove(): void {}
    })(),
  'those of a channel that stopped stay in the line': () =>
    new (class extends Line {
      override removeWhere(): void {}
    })(),
  'who left and came again has the old place': () => new Returning(),
}

/** Takes a key as often as it comes. */
class Repeating extends Line {
  #order: string[] = []
  override get size(): number {
    return this.#order.length
  }
  override add(key: string): void {
    this.#order.push(key)
  }
  override remove(key: string): void {
    this.removeWhere((each) => each === key)
  }
  override removeWhere(gone: (key: string) => boolean): void {
    this.#order = this.#order.filter((key) => !gone(key))
  }
  override take(count: number): string[] {
    return this.#order.splice(0, count)
  }
}

/** Keeps the place of who leaves. */
class Returning extends Line {
  readonly #left = new Set<string>()
  readonly #order: string[] = []
  override get size(): number {
    return this.#order.length - this.#left.size
  }
  override add(key: string): void {
    if (!this.#left.delete(key) && !this.#order.includes(key)) this.#order.push(key)
  }
  override remove(key: string): void {
    if (this.#order.includes(key)) this.#left.add(key)
  }
  override removeWhere(gone: (key: string) => boolean): void {
    for (const key of this.#order.filter(gone)) this.remove(key)
  }
  override take(count: number): string[] {
    const taken = this.#order.filter((key) => !this.#left.has(key)).slice(0, count)
    for (const key of taken) this.#order.splice(this.#order.indexOf(key), 1)
    return taken
  }
}

test.each(Object.entries(BROKEN))('a broken line is caught: %s', (_, line) => {
  expect(() => hold(line, { endOnFailure: true })).toThrow('Property failed')
})

interface Model {
  limit: number
  running: readonly string[]
  waiting: readonly string[]
}

type Step =
  | { readonly kind: 'request' | 'release'; readonly key: string }
  | { readonly kind: 'stop'; readonly channel: string }
  | { readonly kind: 'forget' }
  | { readonly kind: 'resize'; readonly limit: number }

const key = fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 6 })).map((parts) => parts.join('/'))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 400, arbitrary: fc.record({ kind: fc.constant('request'), key }) },
  { weight: 280, arbitrary: fc.record({ kind: fc.constant('release'), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('stop'), channel: fc.constantFrom('a', 'b') }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'forget' }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('resize'), limit: fc.integer({ min: 1, max: 4 }) }) },
)

/** Long enough that the line closes up: see EMPTY_PLACES_MIN. */
const STEPS = { maxLength: 400, size: 'max' } as const

function hold(line: () => Line, parameters: fc.Parameters<[Step[], number]>): void {
  const property = fc.property(fc.array(step, STEPS), fc.integer({ min: 1, max: 4 }), (steps, limit) => {
    let slots: Slots = { ...emptySlots(limit), line: line() }
    const model: Model = { limit, running: [], waiting: [] }
    for (const each of steps) {
      const runBefore = slots.running.length
      const change = taken(slots, each)
      slots = change.slots
      const granted = modelled(model, each)
      const seen = JSON.stringify([change.granted, slots.running, slots.waiting])
      const wanted = JSON.stringify([granted, model.running, model.waiting.length])
      if (seen !== wanted) throw new Error(`after ${JSON.stringify(each)}: ${seen} instead of ${wanted}`)
      const most = Math.max(runBefore, model.limit)
      if (slots.running.length > most) throw new Error(`${slots.running.length} run instead of ${most}`)
    }
  })
  fc.assert(property, parameters)
}

function taken(slots: Slots, given: Step): SlotsChange {
  switch (given.kind) {
    case 'request':
      return requestSlot(slots, given.key)
    case 'release':
      return releaseSlot(slots, given.key)
    case 'stop':
      return releaseWhere(slots, (each) => each.startsWith(given.channel))
    case 'forget':
      return { slots: withoutWaiting(slots), granted: [] }
    case 'resize':
      return resizeSlots(slots, given.limit)
  }
}

function modelled(model: Model, given: Step): readonly string[] {
  if (given.kind === 'request' && model.waiting.includes(given.key)) return []
  if (given.kind === 'forget') {
    model.waiting = []
    return []
  }
  if (given.kind === 'resize') {
    model.limit = given.limit
  } else {
    const gone = (each: string) => (given.kind === 'stop' ? each.startsWith(given.channel) : each === given.key)
    model.running = model.running.filter((each) => !gone(each))
    model.waiting = model.waiting.filter((each) => !gone(each))
  }
  if (given.kind === 'request') model.waiting = [...model.waiting, given.key]
  const granted = model.waiting.slice(0, Math.max(0, model.limit - model.running.length))
  model.running = [...model.running, ...granted]
  model.waiting = model.waiting.slice(granted.length)
  return granted
}
