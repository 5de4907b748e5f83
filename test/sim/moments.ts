// Moments: what a message met when it came. Only for the report of what was hit: no check asks it.
//   A moment lasts from one rest to the next: what lies in it had no time between it.

import { PARTITION_CHILDREN_MAX } from '../../machines/limits.ts'
import type { Commit } from '../../machines/messages.ts'
import type { NewMessage } from '../../src/store/store.ts'
import type { Effect } from './disk.ts'
import type { Process } from './process.ts'
import type { Simulation } from './simulation.ts'

type Met =
  | 'the end of its run'
  | 'a delivery'
  | 'a failure of its session'
  | 'a restart of its session'
  | 'a newer file'

interface Asked {
  readonly process: Process
  readonly state: string
}

/** So many conversations are a crowd. */
const CROWD = 1_000

/** Counting thousands takes a while. */
const LOOK_EVERY = 16

export class Moments {
  readonly #simulation: Simulation
  #now = 0
  /** By session, by conversation and by channel: the last moment with a message. */
  readonly #messages = new Map<string, number>()
  readonly #met = new Map<string, number>()
  /** By session: where it was when its last message was to be written. */
  readonly #asked = new Map<string, Asked>()

  #living: { readonly process: Process; readonly sessions: number } | null = null

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** Everything has come to rest. */
  pass(): void {
    this.#now += 1
    if (this.#simulation.schedule.plan.conversations >= CROWD && this.#now % LOOK_EVERY === 0) this.#hitCrowd()
  }

  #hitCrowd(): void {
    const { process, hit } = this.#simulation
    if (process === null) return
    const living = process.partitions().map((partition) => partition.length)
    const before = this.#living
    this.#living = { process, sessions: living.reduce((all, some) => all + some, 0) }
    if (this.#living.sessions >= CROWD) hit('a thousand sessions and more in memory')
    if (living.some((some) => some >= PARTITION_CHILDREN_MAX)) hit('a partition was full')
    if (before?.process === process && before.sessions - this.#living.sessions >= CROWD / 2)
      hit('sessions left memory by hundreds')
  }

  onAsked(name: string, input: readonly unknown[]): void {
    const { process } = this.#simulation
    if (name !== 'accept' || process === null) return
    const { sessionKey } = input[0] as NewMessage
    this.#asked.set(sessionKey, { process, state: process.stateOf(sessionKey) })
  }

  onEffect({ name, input }: Effect): void {
    if (name === 'receipt') {
      const reply = this.#simulation.ledger.replies.get(input[0] as number)
      if (reply !== undefined) this.meets('a delivery', `${reply.channel}/${reply.conversation}`)
    } else if (name === 'unfinishedOf') this.meets('a restart of its session', String(input[0]))
    else if (name === 'commit') {
      const { sessionKey, entries } = input[0] as Commit
      const ends = entries.some(({ role }) => role === 'assistant' || role === 'failure')
      if (sessionKey !== null && ends) this.meets('the end of its run', sessionKey)
    }
  }

  meets(what: Met, key: string): void {
    this.#met.set(`${what} ${key}`, this.#now)
    if (this.#messages.get(key) === this.#now) this.#simulation.hit(`a message and ${what} in one moment`)
  }

  /** A message took effect on disk; `state`: where its session was. */
  onMessage(message: NewMessage, state: string): void {
    const { hit, process, platforms, ledger, file } = this.#simulation
    const { sessionKey, command, channel, conversation } = message
    const place = `${channel}/${conversation}`
    const part = state.startsWith('running') ? state.split('.').slice(0, 2).join('.') : (state.split('.')[0] ?? '')
    hit(`accept while ${state}`)
    if (command !== null) hit(`/${command.name} while ${part}`)
    else if (part === 'running.working') hit(`busy mode ${file.channel(channel).at(-1)?.busyMode}`)
    if (platforms.get(channel)?.isSending(conversation) === true) hit('accept while a reply is being sent')
    if (state === 'nowhere' && ledger.entries.has(sessionKey)) hit('accept for a session that had left memory')
    if (process?.failed.has(sessionKey) === true) hit('accept while its session waits to be started again')
    const waits = ledger.unsettledOf(sessionKey)
    if (waits.some(({ recovered }) => recovered)) hit('accept for a session that is taken up')
    if (process?.isTrying(channel) === true) hit('accept while its channel changes its connection')
    this.#hitUnloading(sessionKey, state)
    this.#hitMet(sessionKey, ['the end of its run', 'a failure of its session', 'a restart of its session'])
    this.#hitMet(place, ['a delivery'])
    this.#hitMet(channel, ['a newer file'])
    for (const key of [sessionKey, place, channel]) this.#messages.set(key, this.#now)
  }

  #hitMet(key: string, some: readonly Met[]): void {
    for (const what of some)
      if (this.#met.get(`${what} ${key}`) === this.#now) this.#simulation.hit(`a message and ${what} in one moment`)
  }

  /** It was in memory when the message was to be written, it did not fail, and now it is gone. */
  #hitUnloading(session: string, state: string): void {
    const { process, hit } = this.#simulation
    const asked = this.#asked.get(session)
    this.#asked.delete(session)
    if (asked === undefined || asked.process !== process || process.draining || process.failed.has(session)) return
    if (asked.state !== 'nowhere' && state === 'nowhere')
      hit('a message was being written while its session left memory')
  }
}
