// W1 under every interleaving: whatever order reads, writes, slow readers and departures end in, a subscriber is shown
// the journal after its position once, in order. The same check is run on two broken pumps, which it must catch.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AdapterParts, Journal, JournalEntry } from '../../src/channels/adapter.ts'
import { createWebAdapter, type WebAdapter } from '../../src/channels/web.ts'
import { manualWorld, silentLog, webDefinition } from '../http/double.ts'
import { testUploads } from '../support/uploads.ts'

type Create = (parts: AdapterParts) => WebAdapter

test('W1: no message is lost, doubled or out of order, whatever the interleaving', async () => {
  await checkOrder(createWebAdapter)
})

test('the check catches a pump that sets its position from what it learns after the read', async () => {
  await expect(checkOrder((parts) => broken(parts, 'positionAfterAwait'))).rejects.toThrow(/Property failed/)
})

test('the check catches a pump that forgets a notification which came during the read', async () => {
  await expect(checkOrder((parts) => broken(parts, 'forgetsWake'))).rejects.toThrow(/Property failed/)
})

test('the check catches a pump that moves on before its reader took the message', async () => {
  await expect(checkOrder((parts) => broken(parts, 'doesNotWaitForReader'))).rejects.toThrow(/Property failed/)
})

interface Plan {
  readonly posts: readonly ('post' | 'reply' | 'state')[]
  readonly before: number
  readonly readers: readonly { readonly slow: boolean; readonly leavesAfter: number }[]
  readonly lateReads: boolean
}

const plan: fc.Arbitrary<Plan> = fc.record({
  posts: fc.array(fc.constantFrom('post' as const, 'reply' as const, 'state' as const), { maxLength: 8 }),
  before: fc.nat(3),
  readers: fc.array(fc.record({ slow: fc.boolean(), leavesAfter: fc.nat(6) }), { minLength: 1, maxLength: 3 }),
  lateReads: fc.boolean(),
})

async function checkOrder(create: Create): Promise<void> {
  await fc.assert(
    fc.asyncProperty(plan, fc.scheduler(), async (steps, scheduler) => {
      const journal = new ScheduledJournal(scheduler, steps.lateReads)
      for (let i = 0; i < steps.before; i++) journal.write('user', `before ${i}`)
      const adapter = create({
        definition: webDefinition('a'),
        secret: () => '',
        journal,
        uploads: testUploads(),
        world: manualWorld(),
        log: silentLog,
      })
      const stop = new AbortController()
      const running = adapter.run(
        {
          live() {},
          receive: async (message) => {
            await scheduler.schedule(Promise.resolve(), 'disk')
            const seq = journal.write('user', message.text)
            await scheduler.schedule(Promise.resolve(), 'accepted')
            return { accepted: true, duplicate: false, seq }
          },
        },
        stop.signal,
      )
      const readers = steps.readers.map((reader) => new Reader(adapter, scheduler, reader))
      const writes = steps.posts.map((step, i) => write(adapter, step, i))
      await scheduler.waitIdle()
      await Promise.all(writes)
      // Who stayed was shown everything; who left comes back with the last id that it was shown, as a browser does.
      for (const reader of readers) if (reader.left) reader.comeBack()
      await scheduler.waitIdle()

      const all = journal.entries.map((entry) => entry.id)
      for (const reader of readers) expect(reader.shown).toEqual(all)
      for (const reader of readers) reader.leave()
      stop.abort()
      await running
      await Promise.all(readers.map((reader) => reader.ended))
    }),
    { numRuns: 300, seed: 20260102 },
  )
}

async function write(adapter: WebAdapter, step: Plan['posts'][number], i: number): Promise<void> {
  if (step === 'post')
    await adapter.post({ conversation: 'c', user: 'u', text: `post ${i}`, attachments: [], messageId: null })
  else if (step === 'state') adapter.show('c', { kind: 'state', session: 's', state: 'running' })
  else {
    const outgoing = { outboxId: i, conversation: 'c', text: `reply ${i}`, replyTo: null, uncertain: false }
    await adapter.send(outgoing, 0, new AbortController().signal)
  }
}

/** Reads now and answers late, or begins late: both happen with a disk. */
class ScheduledJournal implements Journal {
  readonly entries: JournalEntry[] = []
  readonly #scheduler: fc.Scheduler
  readonly #lateReads: boolean
  constructor(scheduler: fc.Scheduler, lateReads: boolean) {
    this.#scheduler = scheduler
    this.#lateReads = lateReads
  }

  write(role: 'user' | 'assistant', text: string): number {
    const id = (this.entries.at(-1)?.id ?? 0) + 3
    this.entries.push({ id, role, text })
    return id
  }

  async append(entry: { text: string }): Promise<number> {
    await this.#scheduler.schedule(Promise.resolve(), 'disk')
    const id = this.write('assistant', entry.text)
    await this.#scheduler.schedule(Promise.resolve(), 'appended')
    return id
  }

  async after(_conversation: string, id: number, _limit: number): Promise<readonly JournalEntry[]> {
    if (this.#lateReads) await this.#scheduler.schedule(Promise.resolve(), 'read begins')
    // Two at a time, so that a plan of a few messages takes several reads.
    const found = this.entries.filter((entry) => entry.id > id).slice(0, 2)
    await this.#scheduler.schedule(Promise.resolve(), 'read ends')
    return found
  }
}

class Reader {
  readonly shown: number[] = []
  ended: Promise<void>
  #aborter = new AbortController()
  readonly #adapter: WebAdapter
  readonly #scheduler: fc.Scheduler
  readonly #slow: boolean
  #leavesAfter: number

  constructor(adapter: WebAdapter, scheduler: fc.Scheduler, reader: { slow: boolean; leavesAfter: number }) {
    this.#adapter = adapter
    this.#scheduler = scheduler
    this.#slow = reader.slow
    this.#leavesAfter = reader.leavesAfter
    this.ended = this.#subscribe()
  }

  get left(): boolean {
    return this.#aborter.signal.aborted
  }

  comeBack(): void {
    this.#leavesAfter = Number.POSITIVE_INFINITY
    this.#aborter = new AbortController()
    this.ended = this.#subscribe()
  }

  leave(): void {
    this.#aborter.abort()
  }

  #subscribe(): Promise<void> {
    const { signal } = this.#aborter
    return this.#adapter.subscribe(
      { conversation: 'c', afterId: this.shown.at(-1) ?? 0 },
      async (event) => {
        if (signal.aborted || event.kind !== 'message') return
        if (this.#slow) await this.#scheduler.schedule(Promise.resolve(), 'reader')
        // What a reader takes after it left counts for nobody.
        if (signal.aborted) return
        this.shown.push(event.id)
        if (--this.#leavesAfter <= 0) this.leave()
      },
      signal,
    )
  }
}

type Flaw = 'positionAfterAwait' | 'forgetsWake' | 'doesNotWaitForReader'

/** The adapter with a pump as one would write it in a hurry. */
function broken(parts: AdapterParts, flaw: Flaw): WebAdapter {
  let newest = 0
  const wakers = new Set<() => void>()
  const { journal } = parts
  const whole = createWebAdapter({ ...parts, journal: { ...journal, append, after: journal.after.bind(journal) } })
  async function append(entry: Parameters<Journal['append']>[0]): Promise<number> {
    const id = await journal.append(entry)
    newest = Math.max(newest, id)
    for (const wake of wakers) wake()
    return id
  }
  return {
    run: (door, signal) => whole.run(door, signal),
    send: (outgoing, part, signal) => whole.send(outgoing, part, signal),
    show: () => {},
    fetch: () => Promise.reject(new Error('nobody sends files here')),
    probe: (signal) => whole.probe(signal),
    async post(message) {
      const reception = await whole.post(message)
      for (const wake of wakers) wake()
      return reception
    },
    async subscribe({ conversation, afterId }, emit, signal) {
      let position = afterId
      let woken = true
      let wake = () => {}
      const notify = () => {
        woken = true
        wake()
      }
      wakers.add(notify)
      signal.addEventListener('abort', notify)
      while (!signal.aborted) {
        if (!woken) await new Promise<void>((resolve) => (wake = resolve))
        woken = false
        while (!signal.aborted) {
          const entries = await journal.after(conversation, position, 100)
          if (entries.length === 0 || signal.aborted) break
          for (const entry of entries) {
            if (signal.aborted) break
            const taken = emit({ kind: 'message', ...entry })
            if (flaw !== 'doesNotWaitForReader') await taken
            position = entry.id
          }
          if (flaw === 'positionAfterAwait') position = Math.max(position, newest)
        }
        if (flaw === 'forgetsWake') woken = false
      }
      wakers.delete(notify)
    },
  }
}
