// Groups on record, and what the next start makes of them: real processes that do not end, and strangers beside them. What is certainly
// left is ended; nobody else is. Each broken subject is caught by the check that stands beside it.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Log } from '../../src/log.ts'
import { type GroupRecord, recordedGroups, unrecorded } from '../../src/tools/groups.ts'
import { endLeftGroups, type LeftParts } from '../../src/tools/left-groups.ts'
import { MARK, processTable } from '../../src/tools/processes.ts'
import type { World } from '../../src/world.ts'
import { silentLog } from '../support/world.ts'
import { processesWith } from '../support/processes.ts'
import { soon } from '../support/soon.ts'
import { temporaryFolder, world } from './parts.ts'

type Subject = (parts: LeftParts) => Promise<void>

let numbers = 0

/** A command line that runs for minutes and that no other process on this machine has. */
function long(): string {
  numbers += 1
  const words = `sleep 4${process.pid}.${numbers}`
  onTestFinished(() => {
    for (const pid of processesWith(words)) process.kill(pid, 'SIGKILL')
  })
  return words
}

/** In which a deadline comes after a tenth of its time. */
function hurried(): World {
  return { ...world(), nowMs: () => performance.now() * 10 }
}

function stage() {
  const data = temporaryFolder()
  const said: string[] = []
  const write = (_: object, text: string) => void said.push(text)
  const log: Log = { ...silentLog, warn: write, error: write }
  const groups = recordedGroups(data, log)
  const record = (mark: string): string => join(data, 'groups', `${mark}.json`)
  return {
    ...{ data, said, groups, log },
    records: () => readdirSync(join(data, 'groups')),
    said: () => said,
    /** Starts a script as a gateway does, and forgets it as one that is killed. */
    async leaves(mark: string, script: string, until = script): Promise<ChildProcess> {
      const env = { PATH: process.env['PATH'], [MARK]: mark, FOLDER: data }
      const options = { env, detached: true, stdio: 'ignore' } as const
      const child = groups.start({ mark, what: `the MCP server ${mark}` }, () => spawn('sh', ['-c', script], options))
      await soon(() => expect(processesWith(until)).not.toEqual([]))
      return child
    },
    changes(mark: string, change: Partial<GroupRecord>): void {
      writeFileSync(record(mark), JSON.stringify({ ...JSON.parse(readFileSync(record(mark), 'utf8')), ...change }))
    },
    next: (subject: Subject, more: Partial<LeftParts> = {}) => subject({ data, world: hurried(), log, ...more }),
  }
}

async function gone(words: string, withinMs?: number): Promise<void> {
  await soon(() => expect(processesWith(words)).toEqual([]), withinMs)
}

test('it is on record before it runs, with its number and start at once, and no longer when it has ended', () => {
  const { groups, records, data } = stage()
  const path = join(data, 'groups', 'm1.json')
  const seen: unknown[] = []
  const child = groups.start({ mark: 'm1', what: 'a hook' }, () => {
    seen.push(JSON.parse(readFileSync(path, 'utf8')))
    return spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  })
  const { pid = 0 } = child
  onTestFinished(() => void child.kill('SIGKILL'))
  const boot = processTable.boot()
  expect(boot).toMatch(/^[0-9a-f-]{36}$/)
  expect(seen).toEqual([{ what: 'a hook', boot, pid: null, started: null }])
  const { started } = processTable.find(pid) ?? {}
  expect(started).toMatch(/^\d+$/)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ what: 'a hook', boot, pid, started })
  groups.ended('m1')
  expect(records()).toEqual([])
})

test('what cannot be started is not on record; what cannot be recorded is started, and said once', () => {
  const { groups, records } = stage()
  expect(() => groups.start({ mark: 'm1', what: 'it' }, () => spawn('sh', ['\0']))).toThrow('null bytes')
  expect(records()).toEqual([])
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  const said: string[] = []
  const full = recordedGroups(file, { ...silentLog, warn: (_, text) => void said.push(text) })
  for (const mark of ['m2', 'm3']) {
    const child = full.start({ mark, what: `the hook ${mark}` }, () => spawn('sleep', ['60'], { stdio: 'ignore' }))
    expect(child.pid).toBeGreaterThan(0)
    child.kill('SIGKILL')
    full.ended(mark)
  }
  expect(said).toEqual(['the hook m2 runs, and could not be put on record: see that it ends'])
})

test('they end with this process', async () => {
  const words = long()
  const before = process.listeners('exit')
  unrecorded.start({ mark: 'm1', what: 'it' }, () =>
    spawn('sh', ['-c', `${words} & ${words}`], { detached: true, stdio: 'ignore' }),
  )
  await soon(() => expect(processesWith(words)).toHaveLength(3))
  const [atExit] = process.listeners('exit').filter((listener) => !before.includes(listener))
  atExit?.(0)
  await gone(words)
  unrecorded.ended('m1')
  expect(process.listeners('exit')).toEqual(before)
})

/** How long a process of a broken subject is waited for that will never go. */
const IN_VAIN_MS = 500

/** By what is promised. */
const CHECKS: Readonly<Record<string, (subject: Subject, withinMs?: number) => Promise<void>>> = {
  async 'one that ignores its input and SIGTERM is ended whole, and said by name'(subject, withinMs) {
    const { leaves, next, said, records } = stage()
    const words = long()
    const { pid } = await leaves('tickets', `trap '' TERM; ${words} & ${words}; ${words}`, words)
    await next(subject)
    await gone(words, withinMs)
    expect(said()).toEqual(['an earlier gateway left the MCP server tickets running: it was ended'])
    expect([records(), pid]).toEqual([[], expect.any(Number)])
  },

  async 'one that listens has a moment for its end'(subject) {
    const { leaves, next, data } = stage()
    const words = long()
    await leaves('tickets', `trap 'echo bye > $FOLDER/bye; kill $!; exit' TERM; ${words} & wait`, words)
    // The shell has these words too; what it starts is there when it listens.
    await soon(() => expect(processesWith(words)).toHaveLength(2))
    await next(subject, { world: world() })
    expect(readFileSync(join(data, 'bye'), 'utf8')).toBe('bye\n')
    await gone(words)
  },

  async 'what left its group, and what is left without the first of it, is found by the mark'(subject, withinMs) {
    const { leaves, next, said } = stage()
    const [daemon, left] = [long(), long()]
    const child = await leaves('tickets', `setsid ${daemon} & ${left} & exit 0`, left)
    await soon(() => expect([processesWith(daemon).length, child.exitCode]).toEqual([1, 0]))
    await next(subject)
    await gone(daemon, withinMs)
    await gone(left, withinMs)
    expect(said()).toHaveLength(1)
  },

  async 'a stranger who was given its number lives'(subject) {
    const { groups, next, said, changes, records } = stage()
    const words = long()
    const stranger = () => spawn('sh', ['-c', `${words}; true`], { env: {}, detached: true, stdio: 'ignore' })
    groups.start({ mark: 'tickets', what: 'the MCP server tickets' }, stranger)
    await soon(() => expect(processesWith(words)).toHaveLength(2))
    changes('tickets', { started: '17' })
    await next(subject)
    expect(processesWith(words)).toHaveLength(2)
    expect([said(), records()]).toEqual([[], []])
  },

  async 'what cannot be told from a stranger’s is named, and lives'(subject) {
    const { groups, next, said } = stage()
    const words = long()
    const options = { env: { PATH: process.env['PATH'] }, detached: true, stdio: 'ignore' } as const
    const child = groups.start({ mark: 'tickets', what: 'the MCP server tickets' }, () =>
      spawn('sh', ['-c', `${words} & exit 0`], options),
    )
    await soon(() => expect([processesWith(words).length, child.exitCode]).toEqual([1, 0]))
    await next(subject)
    expect(processesWith(words)).toHaveLength(1)
    expect(said()).toEqual([
      expect.stringMatching(/^an earlier gateway may have left the MCP server tickets running: .*End them by hand/),
    ])
  },

  async 'a job of somebody’s shell is none that we started'(subject) {
    const { next, said, data } = stage()
    mkdirSync(join(data, 'groups'), { recursive: true })
    const record: GroupRecord = { what: 'it', boot: processTable.boot(), pid: 999_999_998, started: '1' }
    writeFileSync(join(data, 'groups', 'tickets.json'), JSON.stringify(record))
    const job = { pid: 999_999_999, group: 999_999_998, session: 7, started: '2', isDead: false, mark: null }
    await next(subject, { processes: { ...processTable, all: async () => [job] } })
    expect(said()).toEqual([])
  },

  async 'of an earlier start of the machine there is nothing'(subject) {
    const { leaves, next, said, changes, records } = stage()
    const words = long()
    await leaves('tickets', words)
    changes('tickets', { boot: 'another' })
    await next(subject)
    expect(processesWith(words)).not.toEqual([])
    expect([said(), records()]).toEqual([[], []])
  },

  async 'half a record is enough: its name is the mark'(subject) {
    const { leaves, next, said, data } = stage()
    const words = long()
    await leaves('tickets', words)
    writeFileSync(join(data, 'groups', 'tickets.json'), '{"what": "the MCP')
    await next(subject)
    await gone(words)
    expect(said()).toEqual(['an earlier gateway left a process running: it was ended'])
  },

  async 'where the system says nothing, that is said, and nobody is ended'(subject) {
    const { leaves, next, said, records } = stage()
    const words = long()
    const { pid } = await leaves('tickets', words)
    await next(subject, { processes: { boot: () => null, find: () => null, all: async () => [] } })
    expect(processesWith(words)).not.toEqual([])
    expect(said()).toEqual([
      expect.stringMatching(new RegExp(`left the MCP server tickets running: .* kill -9 -${pid}$`)),
    ])
    expect(records()).toEqual([])
  },

  async 'what does not die stays on record, and is said to stay'(subject) {
    const { leaves, next, said, records } = stage()
    const words = long()
    await leaves('tickets', words)
    const undead = { pid: 999_999_999, group: 1, session: 1, started: '1', isDead: false, mark: 'tickets' }
    await next(subject, { processes: { ...processTable, all: async () => [undead] } })
    expect(said()).toEqual(['an earlier gateway left the MCP server tickets running, and it cannot be ended'])
    expect(records()).toEqual(['tickets.json'])
  },

  async 'a gateway that one of them started does not end itself; one that has ended is not said'(subject) {
    const { next, said, data } = stage()
    mkdirSync(join(data, 'groups'), { recursive: true })
    for (const mark of ['own', 'ended']) writeFileSync(join(data, 'groups', `${mark}.json`), '')
    const own = { pid: process.pid, group: 1, session: 1, started: '1', isDead: false, mark: 'own' }
    const zombie = { ...own, pid: 999_999_999, isDead: true, mark: 'ended' }
    await next(subject, { processes: { ...processTable, all: async () => [own, zombie] } })
    expect(said()).toEqual([])
  },
}

for (const [promise, check] of Object.entries(CHECKS)) test(promise, () => check(endLeftGroups))

/** Each with the promise that it breaks. */
const BROKEN: Readonly<Record<string, readonly [promise: keyof typeof CHECKS, subject: Subject]>> = {
  'ends nobody': ['one that ignores its input and SIGTERM is ended whole, and said by name', async () => {}],
  'believes the number': [
    'a stranger who was given its number lives',
    (parts) => {
      const all = async () => (await processTable.all()).map((one) => ({ ...one, started: '17' }))
      return endLeftGroups({ ...parts, processes: { ...processTable, all } })
    },
  ],
  'knows no mark': [
    'what left its group, and what is left without the first of it, is found by the mark',
    (parts) => {
      const all = async () => (await processTable.all()).map((one) => ({ ...one, mark: null }))
      return endLeftGroups({ ...parts, processes: { ...processTable, all } })
    },
  ],
  'asks nobody': [
    'one that listens has a moment for its end',
    async (parts) => {
      const { kill } = process
      const ending = vi
        .spyOn(process, 'kill')
        .mockImplementation((pid, name) => kill.call(process, pid, name === 'SIGTERM' ? 'SIGKILL' : name))
      await endLeftGroups(parts).finally(() => ending.mockRestore())
    },
  ],
}

for (const [name, [promise, subject]] of Object.entries(BROKEN)) {
  test(`a subject that ${name} is caught`, async () => {
    await expect(CHECKS[promise]?.(subject, IN_VAIN_MS)).rejects.toThrow()
  })
}
