// Processes of this machine, for tests that look whether something is left; and a machine on which commands get no namespaces.

import { mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Processes with these words in their command line. */
export function processesWith(words: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return []
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words) ? [Number(entry)] : []
    } catch {
      return []
    }
  })
}

/** One that has ended and that nobody has taken note of is not. */
export function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
  } catch {
    return false
  }
}

/** A folder of few programs, and none that makes namespaces: as in a container that forbids them. */
export function bareFolder(): string {
  const bin = mkdtempSync(join(tmpdir(), 'troupe-bare-'))
  const programs = 'sh cat echo env head mkdir nice nohup pwd rm sed seq setsid sleep tr true grep'.split(' ')
  for (const name of programs) symlinkSync(join('/usr/bin', name), join(bin, name))
  return bin
}
