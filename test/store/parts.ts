// Parts of the store's tests: folders that vanish and child processes.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { Holder } from '../../src/store/failures.ts'

export const HOLDER: Holder = { pid: process.pid, url: null, startedAt: '2026-01-02T03:04:05.000Z' }

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  /** Resolves when the child has printed so many lines. */
  printed(count: number): Promise<void>
  /** Resolves when it has ended and everything it printed was read. */
  readonly ended: Promise<void>
}

/** Runs a file of this folder with these arguments in a process of its own, under a limit for the files it writes when one is given. */
export function startChild(file: string, input: readonly string[], fileBlocksMax?: number): Child {
  const program = [process.execPath, join(import.meta.dirname, file), ...input]
  const limit = fileBlocksMax === undefined ? '' : `ulimit -S -f ${fileBlocksMax}; `
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const ended = once(reader, 'close').then(() => {})
  const printed = async (count: number) => {
    while (lines.length < count) {
      const more = await Promise.race([once(reader, 'line').then(() => true), ended.then(() => false)])
      if (!more && lines.length < count) throw new Error(`the child ended after ${lines.length} of ${count} lines`)
    }
  }
  return { process: child, lines, printed, ended }
}
