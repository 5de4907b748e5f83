// Colour: how states and marks look on a terminal. The one file that knows picocolors.
//   Colours are for terminals only, and for nobody who set NO_COLOR; without them every text still says the same.

import picocolors from 'picocolors'
import type { ChannelState } from '../../machines/messages.ts'

export interface Colour {
  good(text: string): string
  bad(text: string): string
  unsure(text: string): string
  strong(text: string): string
  faint(text: string): string
  /** The state's own word. */
  state(state: ChannelState): string
}

export function colourFor(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Colour {
  const { green, red, yellow, bold, dim } = picocolors.createColors(wantsColour(stream, environment))
  const ofState: Readonly<Record<ChannelState, (text: string) => string>> = {
    live: green,
    connecting: yellow,
    retrying: yellow,
    paused: yellow,
    failed: red,
    stopped: dim,
  }
  return { good: green, bad: red, unsure: yellow, strong: bold, faint: dim, state: (state) => ofState[state](state) }
}

export function wantsColour(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
}
