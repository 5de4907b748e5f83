// Signals: the first asks for an orderly end, the second ends the process at once.
//   After the first the process ends by a deadline, whatever hangs.
//   SIGHUP asks for the configuration to be read anew; from a terminal that was closed it asks for the end, as everywhere.
//   Under npm one Ctrl-C comes twice, from the terminal and from npm: that is one signal.

import { closeSync, openSync } from 'node:fs'
import type { Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Hearing {
  /** Called once. */
  stop(signal: StopSignal): void
  /** Called at each SIGHUP that is none of a closed terminal; without it that asks for the end, too. */
  refresh?(): void
}

const CODES: Readonly<Record<StopSignal, ExitCode>> = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  // A terminal that was closed: no shell is there to read a code.
  SIGHUP: EXIT.terminated,
}

/** npm hands a signal on within a few milliseconds; nobody presses Ctrl-C twice so fast. */
const ECHO_MS_MAX = 150

/** Returns what stops listening. */
export function listenForSignals({ exit, terminal, world }: Context, hearing: Hearing): () => void {
  const { input, out, err } = terminal.isTerminal
  const hasTerminal = input || out || err
  const isUnderNpm = world.environment['npm_lifecycle_event'] !== undefined
  let heard = false
  let echoUntilMs = 0
  const hear = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' && signal !== 'SIGTERM' && signal !== 'SIGHUP') return
    if (signal === 'SIGHUP' && hearing.refresh !== undefined && !(hasTerminal && isClosed())) return hearing.refresh()
    if (heard && signal === 'SIGINT' && world.nowMs() < echoUntilMs) {
      echoUntilMs = 0
      return
    }
    if (heard) return exit(CODES[signal])
    heard = true
    if (hasTerminal && isUnderNpm) echoUntilMs = world.nowMs() + ECHO_MS_MAX
    hearing.stop(signal)
  }
  for (const signal of Object.keys(CODES)) process.on(signal, hear)
  return () => {
    for (const signal of Object.keys(CODES)) process.off(signal, hear)
  }
}

/** Whether the terminal that this process belongs to is gone. */
function isClosed(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return false
  } catch {
    return true
  }
}

/** Ends the process when it is still there at the deadline: with the code it has by then, as a defect otherwise. */
export function endBy({ exit }: Context, afterMs: number): void {
  // Watching must not keep a process alive that has nothing else to do.
  setTimeout(() => exit(Number(process.exitCode ?? EXIT.defect)), afterMs).unref()
}
