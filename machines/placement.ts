// Placement: which partition holds which child of a channel, and how many messages were routed to it.
// Owned by the channel's context. Like the line of slots.ts it is changed in place: a copy of 100,000 keys per message would
// cost more than the message. It is derived from what was routed, is never persisted, and says only its size.
//   A partition holds at most PARTITION_CHILDREN_MAX children.
//   A child's line is numbered: the channel numbers each message to it, a child that rests says the last number that it saw,
//   and nobody stops or forgets a child that has not seen the last one. So no message meets a child that is being stopped.

import { PARTITION_CHILDREN_MAX } from './limits.ts'
import { assert } from './failure.ts'

interface Place {
  readonly partition: number
  routed: number
}

export class Placement {
  readonly #places = new Map<string, Place>()
  readonly #sizes = new Map<number, number>()
  /** Partitions with room; the last one is filled first. */
  #roomy: number[] = []
  #nextPartition = 0

  /** Where the next message to `child` goes, and its number; `opened` when that partition does not exist yet. */
  route(child: string): { partition: number; routed: number; opened: boolean } {
    const known = this.#places.get(child)
    if (known !== undefined) {
      known.routed += 1
      return { partition: known.partition, routed: known.routed, opened: false }
    }
    const opened = this.#roomy.length === 0
    const partition = opened ? this.#open() : (this.#roomy.at(-1) ?? 0)
    this.#grow(partition)
    this.#places.set(child, { partition, routed: 1 })
    return { partition, routed: 1, opened }
  }

  /** Forgets a child that was stopped after message `routed`; keeps it when more was routed to it meanwhile. */
  free(child: string, routed: number): void {
    const place = this.#places.get(child)
    if (place === undefined || place.routed !== routed) return
    this.#places.delete(child)
    const size = this.#sizes.get(place.partition) ?? 0
    this.#sizes.set(place.partition, size - 1)
    if (size === PARTITION_CHILDREN_MAX) this.#roomy.push(place.partition)
  }

  has(partition: number): boolean {
    return this.#sizes.has(partition)
  }

  /** Takes a partition out when it holds nobody, so that its actor can be stopped. */
  takeIfEmpty(partition: number): boolean {
    if (this.#sizes.get(partition) !== 0) return false
    this.#sizes.delete(partition)
    this.#roomy = this.#roomy.filter((other) => other !== partition)
    return true
  }

  /** Forgets a partition that failed, and says who was in it. */
  drop(partition: number): string[] {
    this.#sizes.delete(partition)
    this.#roomy = this.#roomy.filter((other) => other !== partition)
    const lost = [...this.#places].filter(([, place]) => place.partition === partition).map(([child]) => child)
    for (const child of lost) this.#places.delete(child)
    return lost
  }

  get partitions(): number[] {
    return [...this.#sizes.keys()]
  }

  toJSON(): { children: number; partitions: number } {
    return { children: this.#places.size, partitions: this.#sizes.size }
  }

  #open(): number {
    const partition = this.#nextPartition
    this.#nextPartition += 1
    this.#sizes.set(partition, 0)
    this.#roomy.push(partition)
    return partition
  }

  #grow(partition: number): void {
    const size = (this.#sizes.get(partition) ?? 0) + 1
    assert(size <= PARTITION_CHILDREN_MAX, 'a partition holds at most PARTITION_CHILDREN_MAX children')
    this.#sizes.set(partition, size)
    if (size === PARTITION_CHILDREN_MAX) this.#roomy.pop()
  }
}
