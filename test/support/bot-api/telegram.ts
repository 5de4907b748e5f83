// Telegram: everything that one server knows. Bots, people, groups and files; nothing in here speaks HTTP.

import { Bot } from './bot.ts'
import { GroupChat } from './chats.ts'
import type { BotOptions, GroupOptions, PersonOptions } from './control.ts'
import { FileStore } from './files.ts'
import { GroupHandle } from './groups.ts'
import { PersonHandle } from './people.ts'
import { type Random, seededRandom } from './random.ts'

export class Telegram {
  readonly random: Random
  readonly files: FileStore
  readonly floodControl: boolean
  readonly bots = new Map<string, Bot>()
  readonly people = new Map<number, PersonHandle>()
  readonly groups = new Map<number, GroupHandle>()
  /** Aborts when the server closes; whatever still waits gives up then. */
  readonly closing = new AbortController()

  constructor(options: { seed: number; floodControl: boolean }) {
    this.random = seededRandom(options.seed)
    this.files = new FileStore(this.random)
    this.floodControl = options.floodControl
  }

  addBot(options: BotOptions): Bot {
    if (this.bots.has(options.token)) throw new Error('A bot with this token was already added to the server.')
    const bot = new Bot(this, { ...options, id: options.id ?? this.#botId(options.token) })
    if ([...this.bots.values()].some((other) => other.id === bot.id)) {
      throw new Error(`A bot with the id ${bot.id} was already added to the server.`)
    }
    this.bots.set(bot.token, bot)
    return bot
  }

  addPerson(options: PersonOptions = {}): PersonHandle {
    const id = options.id ?? this.random.integer(10_000_000, 5_000_000_000)
    if (this.people.has(id)) throw new Error(`A person with the id ${id} was already added to the server.`)
    const person = new PersonHandle(this, { ...options, id })
    this.people.set(id, person)
    return person
  }

  addGroup(options: GroupOptions = {}): GroupHandle {
    const number = this.random.integer(1_000_000_000, 2_000_000_000)
    const basic = options.basic === true
    if (basic && options.forum === true) throw new Error('A basic group has no topics: leave out `basic` or `forum`.')
    const id = options.id ?? (basic ? -number : -1_000_000_000_000 - number)
    if (this.groups.has(id)) throw new Error(`A group with the id ${id} was already added to the server.`)
    const chat = new GroupChat({
      id,
      title: options.title ?? 'Group',
      type: basic ? 'group' : 'supergroup',
      forum: options.forum === true,
    })
    const group = new GroupHandle(this, chat)
    this.groups.set(id, group)
    for (const person of options.members ?? []) group.join(person)
    for (const bot of options.bots ?? []) group.addBot(bot)
    return group
  }

  #botId(token: string): number {
    const number = Number(/^(\d+):/.exec(token)?.[1])
    return Number.isSafeInteger(number) && number > 0 ? number : this.random.integer(1_000_000_000, 9_000_000_000)
  }
}
