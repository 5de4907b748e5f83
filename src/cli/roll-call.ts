// Roll call: what a person reads of the channels after a start, and in `troupe status`. Pure.
//   C3. Every channel of the file is named; N counts the live ones and M all of them.

import { lackText } from '../../machines/channel-failure.ts'
import type { Lack } from '../../machines/definitions.ts'
import type { ChannelState } from '../../machines/messages.ts'
import type { Colour } from './colour.ts'
import { columns } from './terminal.ts'

export interface CalledChannel {
  readonly id: string
  readonly platform: string
  readonly agent: string
  readonly state: ChannelState
  readonly reason: string | null
}

export interface Called {
  readonly channels: readonly CalledChannel[]
  /** What the gateway itself lacks. */
  readonly lacking: readonly Lack[]
}

/** One line a channel, then `N of M channels live`, then each that is not live with its reason, and what no channel fails for. */
export function rollCallLines({ channels, lacking }: Called, colour: Colour): string[] {
  const rows = channels.map(({ id, state, platform, agent }) => [id, colour.state(state), `${platform} · ${agent}`])
  const own = lacking.map((lack) => `  the gateway itself: ${lackText(lack)}`)
  return [...columns(rows).map((line) => `  ${line}`), countLine(channels), ...channels.flatMap(reasonOf), ...own]
}

export function countLine(channels: readonly CalledChannel[]): string {
  return `${liveCount(channels)} of ${channels.length} channels live`
}

export function liveCount(channels: readonly CalledChannel[]): number {
  return channels.filter(({ state }) => state === 'live').length
}

function reasonOf({ id, state, reason }: CalledChannel): string[] {
  if (state === 'live') return []
  const sentence = reason === null ? `  ${id} is ${state}` : `  ${id} is ${state}: ${reason}`
  const ended = /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
  const saysSo = state !== 'retrying' || ended.includes('tried again by itself')
  return [saysSo ? ended : `${ended} It is tried again by itself.`]
}
