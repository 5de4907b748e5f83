// Signals: the first asks for an orderly end, the second ends the process at once.
//   After the first the process ends by a deadline, whatever hangs.

import type { Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

const CODES: Readonly<Record<StopSignal, ExitCode>> = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  // A terminal that was closed: no shell is there to read a code.
  SIGHUP: EXIT.terminated,
}

/** Calls `first` once; returns what stops listening. */
export function listenForSignals({ exit }: Context, first: (signal: StopSignal) => void): () => void {
  let heard = false
  const hear = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' && signal !== 'SIGTERM' && signal !== 'SIGHUP') return
    if (heard) return exit(CODES[signal])
    heard = true
    first(signal)
  }
  for (const signal of Object.keys(CODES)) process.on(signal, hear)
  return () => {
    for (const signal of Object.keys(CODES)) process.off(signal, hear)
  }
}

/** Ends the process when it is still there at the deadline: with the code it has by then, as a defect otherwise. */
export function endBy({ exit }: Context, afterMs: number): void {
  // Watching must not keep a process alive that has nothing else to do.
  setTimeout(() => exit(Number(process.exitCode ?? EXIT.defect)), afterMs).unref()
}
