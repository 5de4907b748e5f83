// Memory folder: a folder in the machine's memory for what tests write, where there is one that has room and runs programs.
// It stays: what is kept compiled there serves the next run, and each test removes what is its own.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MEMORY = '/dev/shm'

/** All that is there at once, browsers' profiles too, is a tenth of it. Containers often have 64 MB there. */
const FREE_BYTES_MIN = 2_000_000_000

/** null: the disk serves as well, more slowly. */
export function memoryFolder(): string | null {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    if (bavail * bsize < FREE_BYTES_MIN) return null
    const folder = join(MEMORY, 'troupe-tests')
    mkdirSync(folder, { recursive: true })
    const program = join(folder, `try-${process.pid}`)
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
    try {
      execFileSync(program)
    } finally {
      rmSync(program)
    }
    return folder
  } catch {
    return null
  }
}
