// One-off folders: a conversation that nobody named is asked once and never goes on, so its work folder goes when its run has ended and
// the answer was delivered.
//   One whose message is a dead letter, which may be retried, keeps its folder; so does one that is owed its answer, until it has it.
//   A folder that is left behind, by the end of the process or for want of room here, goes with what was said (forgetting.ts).

import type { Commit } from '../../machines/messages.ts'
import { isOneOff } from '../../machines/openai.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'

/** By then an answer is usually delivered, and what the tools of the run had open is closed. */
const DELIVERED_MS = 1_000

/** More than end in a minute. */
const ENDED_MAX = 10_000

export interface FoldersParts {
  readonly store: Store
  /** The data folder. */
  readonly data: string
  readonly world: World
}

export class OneOffFolders {
  readonly #parts: FoldersParts
  /** What ended the run of each session whose folder is there. */
  readonly #ended = new Map<string, Commit>()
  #timer: unknown = null

  constructor(parts: FoldersParts) {
    this.#parts = parts
  }

  /** The same store; by its commits it is seen which runs have ended. */
  around(store: Store): Store {
    const commit = async (content: Commit): Promise<void> => {
      await store.commit(content)
      this.#note(content)
    }
    return { ...store, commit }
  }

  /** Removes those of which nothing is owed. */
  async look(): Promise<void> {
    const ended = [...this.#ended]
    const owed = await Promise.all(ended.map(([, commit]) => this.#isOwed(commit)))
    const over = ended.flatMap(([session], index) => (owed[index] === true ? [] : [session]))
    for (const session of over) this.#ended.delete(session)
    await this.remove(over)
  }

  async remove(sessions: readonly string[]): Promise<void> {
    if (sessions.length === 0) return
    const { removeWorkdir } = await import('../tools/workdir.ts')
    const { data } = this.#parts
    await Promise.all(sessions.map((session) => removeWorkdir({ data, session })))
  }

  end(): void {
    this.#parts.world.clock.clearTimeout(this.#timer)
  }

  #note(commit: Commit): void {
    const { sessionKey, settled } = commit
    if (sessionKey === null || !isOneOff(sessionKey) || this.#ended.size >= ENDED_MAX) return
    if (settled.length === 0 || settled.some(({ outcome }) => outcome === 'dead')) return
    this.#ended.set(sessionKey, commit)
    this.#timer ??= this.#parts.world.clock.setTimeout(() => {
      this.#timer = null
      void this.look()
    }, DELIVERED_MS)
  }

  /** Of a disk that does not answer nothing is known: it is asked again at the next look. */
  async #isOwed({ channel, replies }: Commit): Promise<boolean> {
    const [reply] = replies
    if (reply === undefined) return false
    const next = this.#parts.store.nextOwed(channel, reply.conversation)
    return next.then(
      (item) => item !== null,
      () => true,
    )
  }
}
