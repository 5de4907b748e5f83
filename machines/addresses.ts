// Addresses: the one encoding of actor ids, and how an actor is found by its address.
//   An address outlives the actor behind it: whoever sends asks for the actor at that moment and keeps no reference.

import type { AnyActorRef } from 'xstate'

interface Directory {
  readonly system: { get(address: string): AnyActorRef }
}

export function gateway({ system }: Directory): AnyActorRef {
  return system.get('gateway')
}

export function channelAddress(id: string): string {
  return `channel:${id}`
}

export function partitionAddress(number: number): string {
  return `partition:${number}`
}

export function sessionAddress(sessionKey: string): string {
  return `session:${sessionKey}`
}

export function deliveryAddress(conversation: string): string {
  return `delivery:${conversation}`
}

export function scheduleAddress(name: string): string {
  return `schedule:${name}`
}

export function isSession(address: string): boolean {
  return address.startsWith('session:')
}

/** What stands behind the kind: a session key, a conversation, a channel's id, a partition's number. */
export function nameOf(address: string): string {
  return address.slice(address.indexOf(':') + 1)
}

export function channelOf(id: string) {
  return ({ system }: Directory): AnyActorRef => system.get(channelAddress(id))
}
