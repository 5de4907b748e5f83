// Progress: one line on a terminal that says what is waited for, and is gone afterwards. Nothing anywhere else.

import type { Terminal } from './terminal.ts'

export interface ProgressLine {
  say(text: string): void
  /** Lets something be written where the line stands; the line comes back below. */
  aside(write: () => void): void
  end(): void
}

const CLEAR_LINE = '\r\u001B[K'

export function progressLine(terminal: Terminal): ProgressLine {
  let shown = ''
  const draw = (text: string): void => {
    if (terminal.isTerminal.err && text !== shown) terminal.writeErr(`${shown === '' ? '' : CLEAR_LINE}${text}`)
    shown = text
  }
  return {
    say: draw,
    aside(write) {
      const before = shown
      draw('')
      write()
      draw(before)
    },
    end: () => draw(''),
  }
}
