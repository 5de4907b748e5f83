// Terminal: the three standard streams, as a command sees them. Owns what happens when a reader goes away.
//   A3. Once a file is loaded, every line that leaves here is searched for its secrets' values.
//   What people wrote is made plain before it is shown: it could hold a terminal's control codes.

import type { Readable, Writable } from 'node:stream'
import { type Colour, colourFor, wantsColour } from './colour.ts'

export interface Terminal {
  /** A line on standard output. */
  out(line: string): void
  /** A piece of a line on standard output. */
  write(text: string): void
  /** A line on standard error. */
  err(line: string): void
  /** A piece of a line on standard error. */
  writeErr(text: string): void
  /** From now on `redact` goes over everything. */
  hide(redact: (text: string) => string): void
  /** A reader of standard output that went away does not end the process: it has more to do than to print. */
  outliveReader(): void
  readonly input: Readable
  /** Standard output itself, for a line editor. */
  readonly output: Writable
  /** Colours for standard output. */
  readonly colour: Colour
  /** Colours may be sent to standard error. */
  readonly colouredErr: boolean
  readonly isTerminal: { readonly input: boolean; readonly out: boolean; readonly err: boolean }
}

/** As much of a process as a terminal is made of. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined }
  readonly stdout: Writable & { readonly isTTY?: boolean | undefined }
  readonly stderr: Writable & { readonly isTTY?: boolean | undefined }
  /** Ends the process at once. */
  readonly exit: (code: number) => void
}

export function openTerminal(streams: Streams, environment: Readonly<Record<string, string | undefined>>): Terminal {
  const { stdin, stdout, stderr, exit } = streams
  let redact = (text: string): string => text
  let outlives = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `troupe sessions list | head` has its lines: that is no failure.
    if (error.code === 'EPIPE' && !outlives) exit(0)
  })
  // Nobody is left who could be told.
  stderr.on('error', () => {})
  return {
    out: (line) => void stdout.write(`${redact(line)}\n`),
    write: (text) => void stdout.write(redact(text)),
    err: (line) => void stderr.write(`${redact(line)}\n`),
    writeErr: (text) => void stderr.write(redact(text)),
    hide: (newer) => {
      redact = newer
    },
    outliveReader: () => {
      outlives = true
    },
    input: stdin,
    output: stdout,
    colour: colourFor(stdout, environment),
    colouredErr: wantsColour(stderr, environment),
    isTerminal: { input: stdin.isTTY === true, out: stdout.isTTY === true, err: stderr.isTTY === true },
  }
}

/** Text of people or platforms without control characters; `line` also without line breaks, cut to a width. */
export function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '')
}

export function plainLine(text: string, unitsMax: number): string {
  const line = text.replace(/\p{Cc}+/gu, ' ').trim()
  return line.length <= unitsMax ? line : `${line.slice(0, unitsMax - 1).toWellFormed()}…`
}

/** Rows in columns; the last column is as long as it is. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, widthOf(cell))),
    [],
  )
  return rows.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat(index === row.length - 1 ? 0 : (widths[index] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

function widthOf(cell: string): number {
  return cell.replace(/\u001B\[[\d;]*m/g, '').length
}
