// Bench: each measurement measures. Its subject is slowed, or made to hoard, on purpose, and the figure must show it by at
// least as much as was put in. How fast anything is on this machine is never asserted.

import { spawnSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildAgent } from '../src/agents/catalog.ts'
import { measureInspect } from './bench/inspect.ts'
import { measureBusy } from './bench/busy.ts'
import { processorMs } from './bench/clocks.ts'
import { measureLatency } from './bench/latency.ts'
import { measureMcp } from './bench/mcp.ts'
import { measureMemory } from './bench/memory.ts'
import { measureOverload } from './bench/overload.ts'
import { measureRecovery } from './bench/recovery.ts'
import { formatSection, median, plainSection, type Row, type Section } from './bench/report.ts'
import { measureSessions } from './bench/sessions.ts'
import { measureObserve } from './bench/observe.ts'
import { measureStart } from './bench/start.ts'
import { measureStore } from './bench/store.ts'
import { type Opened, openTree } from './bench/tree.ts'
import { measureStop } from './bench/stop.ts'
import { measureTools } from './bench/tools.ts'
import { measureUsage } from './bench/usage.ts'
import { measureWaiting } from './bench/waiting.ts'
import { measureWeb } from './bench/web.ts'
import { measureWedged } from './bench/wedged.ts'
import { measureWorkdirs } from './bench/workdirs.ts'
import { COMPILED } from './support/gateway-process.ts'

const ONCE = { rounds: 1, size: 'quick' } as const

/** Processes are started, or much is done, on a machine that may be busy. */
const BUSY_MS_MAX = 60_000

describe('start', () => {
  test(
    'shows the seconds and the megabytes that were put into a slowed start',
    async () => {
      const plain = await measureStart({ ...ONCE, bots: [1] })
      const slowed = await measureStart({ ...ONCE, bots: [1], nodeFlags: imported(SLOW_AND_HEAVY) })
      expect(figure(slowed, '1 bot, all live after')).toBeGreaterThan(1.5)
      const memory = '1 bot, resident memory'
      expect(figure(slowed, memory) - figure(plain, memory)).toBeGreaterThan(60)
    },
    BUSY_MS_MAX,
  )
})

const SLOW_AND_HEAVY = `
  globalThis.ballast = Buffer.alloc(100e6, 1)
  await new Promise((resolve) => setTimeout(resolve, 1500))
`

describe('mcp', () => {
  test(
    'shows what a slowed server takes longer to start than the same one through a pipe',
    async () => {
      const section = await measureMcp({ ...ONCE, nodeFlags: imported(SLOW_TO_START) })
      const { rounds, beside } = row(section, 'first asking to its list of tools')
      expect(median(rounds) - median(beside?.rounds ?? [])).toBeGreaterThan(500)
    },
    BUSY_MS_MAX,
  )
})

describe('stop', () => {
  test(
    'shows what a gateway takes longer to close what it has open',
    async () => {
      const section = await measureStop({ ...ONCE, stops: 2, nodeFlags: imported(SLOW_TO_CLOSE) })
      const { rounds, target } = row(section, 'the model’s request is closed, slowest')
      expect(median(rounds)).toBeGreaterThan(149)
      expect(target?.met).toBe(false)
    },
    BUSY_MS_MAX,
  )
})

const SLOW_TO_CLOSE = `
  const { abort } = AbortController.prototype
  AbortController.prototype.abort = function (...why) { setTimeout(() => abort.apply(this, why), 150) }
`

const SLOW_TO_START = 'await new Promise((resolve) => setTimeout(resolve, 1000))'

describe('latency', () => {
  test(
    'shows the delay of each of the two subjects under its own name',
    async () => {
      const section = await measureLatency({
        ...ONCE,
        gatewayDelayMs: 120,
        bareDelayMs: 60,
        messages: 6,
        crowdMessages: 6,
      })
      const { rounds, beside, target } = row(section, 'update to reply, p50')
      expect(median(rounds)).toBeGreaterThanOrEqual(119)
      expect(median(beside?.rounds ?? [])).toBeGreaterThanOrEqual(59)
      expect(target?.met).toBe(false)
      // Six people at once, each answered after at least 120 ms.
      expect(figure(section, 'messages answered, 32 people at once')).toBeLessThan(6 / 0.119)
    },
    BUSY_MS_MAX,
  )
})

describe.concurrent('wedged, busy, overload, recovery', () => {
  test(
    'wedged: shows what a gateway loses that stands still while others hang',
    async () => {
      const section = await measureWedged({ ...ONCE, wedged: [1], messages: 4, nodeFlags: imported(STANDING_STILL) })
      const { rounds, beside, target } = row(section, 'update to reply, p50, 1 wedged')
      expect(median(rounds) - median(beside?.rounds ?? [])).toBeGreaterThan(10)
      expect(target?.met).toBe(false)
    },
    BUSY_MS_MAX,
  )

  test(
    'busy: counts no more answers than slow agents can give, and finds that more sessions get no more',
    async () => {
      const section = await measureBusy({ ...ONCE, delayMs: 120, messages: { 1: 10, 100: 500, 1000: 250 } })
      expect(figure(section, 'messages answered, 1 session busy')).toBeLessThan(1 / 0.119)
      expect(figure(section, 'messages answered, 100 sessions busy')).toBeLessThan(100 / 0.119)
      expect(row(section, 'messages answered, 1,000 sessions busy').target?.says).toMatch(/\(\d+\.\d\d\)/)
    },
    BUSY_MS_MAX,
  )

  test(
    'overload: finds a gateway that keeps something all the time',
    async () => {
      const section = await measureOverload({ ...ONCE, seconds: 2, nodeFlags: imported(HOARDING) })
      const growth = row(section, 'and grown in the second half of it by')
      expect(median(growth.rounds)).toBeGreaterThan(20)
      expect(growth.target?.met).toBe(false)
      expect(row(section, 'neither waiting nor answered nor refused aloud').target?.met).toBe(true)
    },
    BUSY_MS_MAX,
  )

  test(
    'recovery: shows the seconds that were put into the second start',
    async () => {
      const section = await measureRecovery({ ...ONCE, sessions: 50, waiting: 5, nodeFlags: imported(SLOW_AND_HEAVY) })
      expect(figure(section, 'ready after')).toBeGreaterThan(1.5)
      expect(figure(section, 'and all answers within')).toBeGreaterThan(0)
    },
    BUSY_MS_MAX,
  )
})

/**
 * From when it listens it does nothing at all for ten elevenths of the time: less is lost among what runs beside it, and it takes
 * no processor from that.
 */
const STANDING_STILL = `
  import { Server } from 'node:net'
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  const { listen } = Server.prototype
  Server.prototype.listen = function (...where) {
    setInterval(() => Atomics.wait(nobody, 0, 0, 400), 440).unref()
    return listen.apply(this, where)
  }
`

const HOARDING = `
  globalThis.hoard = []
  setInterval(() => hoard.push(new Array(1_000_000).fill(hoard.length)), 100).unref()
`

function imported(source: string): string[] {
  return ['--import', `data:text/javascript,${encodeURIComponent(source)}`]
}

describe('web', () => {
  test('counts no more answers than a slow server can give', async () => {
    const url = await serve(async () => {
      await sleep(30)
      return 202
    })
    const section = await measureWeb({ ...ONCE, url, inFlight: [1, 4], milliseconds: 250 })
    expect(figure(section, 'accepted, 1 in flight')).toBeGreaterThan(0)
    expect(figure(section, 'accepted, 1 in flight')).toBeLessThan(1_000 / 29)
    expect(figure(section, 'accepted, 4 in flight')).toBeLessThan(4_000 / 29)
    expect(row(section, 'accepted, 4 in flight').target?.met).toBe(false)
  })

  test('cannot be made on a server that does not accept', async () => {
    const url = await serve(async () => 503)
    await expect(measureWeb({ ...ONCE, url, milliseconds: 200 })).rejects.toThrow('answered with 503 instead of 202')
  })
})

describe('sessions', () => {
  test('shows what opening costs more when every agent is slow', async () => {
    const slow = { buildAgent: slowAgent(() => wait(1)) }
    const section = await measureSessions({ ...ONCE, open: () => openTree(slow), others: [64], batches: 1 })
    expect(figure(section, 'open, 64 others')).toBeGreaterThan(1_000)
  })

  test(
    'finds the supervisor that copies all its children: its cost grows with the others',
    async () => {
      const section = await measureSessions({ ...ONCE, open: flatTree, others: [0, 64, 2_500] })
      expect(row(section, 'open and close, 2,500 others').target?.met).toBe(false)
    },
    BUSY_MS_MAX,
  )

  test('refuses a tree that does not passivate', async () => {
    const stubborn = { ...(await flatTree()), close: async () => ({ closed: 0, ms: 0 }) }
    await expect(measureSessions({ ...ONCE, open: async () => stubborn })).rejects.toThrow('only 0 were passivated')
  })
})

describe('waiting', () => {
  test('finds the line that is searched by each who joins it: its cost grows with those who wait', async () => {
    let live = 0
    const searched = {
      async open(count: number): Promise<Opened> {
        // A tenth of a microsecond for each who waits already, put in and not measured.
        live = count
        return { conversations: [], ms: (count * count) / 2 / 10_000 }
      },
      closeAll: async () => void (live = 0),
      stop: () => expect(live).toBe(0),
    }
    const section = await measureWaiting({ ...ONCE, open: async () => searched })
    expect(row(section, 'a session, 10,000 at once').target?.met).toBe(false)
  })
})

describe('memory', () => {
  test('finds what a passivated session leaves behind', async () => {
    const kept: unknown[] = []
    const hoarding = { buildAgent: slowAgent(() => void kept.push(new Array(1_000).fill(kept.length))) }
    const section = await measureMemory({ ...ONCE, open: () => openTree(hoarding), sessions: 300 })
    expect(figure(section, 'a passivated session')).toBeGreaterThan(7_000)
    expect(row(section, 'a passivated session').target?.met).toBe(false)
    expect(kept.length).toBeGreaterThanOrEqual(300)
  })
})

describe('inspect', () => {
  test('finds the inspector that works for what nobody watches', async () => {
    const section = await measureInspect({
      ...ONCE,
      elsewhere: (root) => {
        const hook = root.system.inspect(({ type }) => type === '@xstate.event' && wait(0.05))
        return () => hook.unsubscribe()
      },
    })
    const { rounds, target } = row(section, 'an event, something else is watched')
    // Half of what was put in: who waits on a busy machine is not always at work.
    expect(median(rounds)).toBeGreaterThan(25)
    expect(target?.met).toBe(false)
    expect(figure(section, 'an event, everything is watched and told')).toBeGreaterThan(0)
  })
})

describe('observe', () => {
  test('finds the observer that costs something', async () => {
    const slow = async () => ({ begin: () => wait(1) ?? (() => {}), note: () => {} })
    const section = await measureObserve({ ...ONCE, asStarted: slow })
    const { rounds, target } = row(section, 'a message, as started without an SDK for traces')
    // Seven activities of a millisecond each, less what a busy machine took of them.
    expect(median(rounds)).toBeGreaterThan(3_000)
    expect(target?.met).toBe(false)
  })
})

describe('tools', () => {
  test('shows what a step costs more when its tool is at work for a millisecond', async () => {
    const section = await measureTools({ ...ONCE, work: () => wait(1) })
    // Half of it: who waits on a busy machine is not always at work.
    expect(figure(section, 'a step with a call more')).toBeGreaterThan(500)
  })
})

describe('workdirs', () => {
  test('finds the folders that nobody removed', async () => {
    const section = await measureWorkdirs({ ...ONCE, clearFolder: async () => {} })
    const { rounds, target } = row(section, 'folders that are left')
    // A hundred of the first cycle, and a hundred that were measured.
    expect(rounds).toEqual([200])
    expect(target?.met).toBe(false)
  })
})

describe('store', () => {
  test('shows the delay of a slow disk in each figure', async () => {
    const section = await measureStore({
      ...ONCE,
      calls: 64,
      wrap: (store) => ({
        ...store,
        accept: (message) => sleep(20).then(() => store.accept(message)),
        commit: (commit) => sleep(20).then(() => store.commit(commit)),
      }),
    })
    expect(figure(section, 'one accept alone, p50')).toBeGreaterThan(19)
    expect(figure(section, 'accepts, 64 at once')).toBeLessThan(64 / 0.019)
    expect(figure(section, 'commits, 64 at once')).toBeLessThan(64 / 0.019)
  })
})

describe('usage', () => {
  test('shows the store that holds up everybody in one piece', async () => {
    const section = await measureUsage({
      ...ONCE,
      people: 600,
      wrap: (store) => ({
        ...store,
        usageOfPeople(daysAgo, after, limit) {
          if (daysAgo === 0 && after === null) work(60)
          return store.usageOfPeople(daysAgo, after, limit)
        },
      }),
    })
    const blocked = row(section, 'the longest block, in processor time')
    expect(median(blocked.rounds)).toBeGreaterThanOrEqual(59)
    expect(blocked.target?.met).toBe(false)
    expect(figure(section, 'the longest block of the event loop meanwhile')).toBeGreaterThanOrEqual(59)
    expect(figure(section, 'the whole answer')).toBeGreaterThanOrEqual(59)
    expect(median(row(section, 'the whole answer').beside?.rounds ?? [])).toBeGreaterThan(0)
  })
})

describe('the report', () => {
  const section: Section = {
    name: 'start',
    about: 'about',
    rows: [
      {
        what: 'live after',
        unit: 's',
        rounds: [3, 1, 8],
        beside: { label: 'bare', rounds: [2, 1.5] },
        target: { says: 'within 2 s', met: false },
      },
    ],
  }

  test('shows median, least, greatest, rounds, ratio and target', () => {
    expect(formatSection(section)).toContain(
      'live after  3.00 s (1.00–8.00, 3)  bare 1.75 s (1.50–2.00, 2)  1.71×  NOT MET: within 2 s',
    )
  })

  test('gives programs the same', () => {
    expect(plainSection(section).rows[0]).toMatchObject({
      median: 3,
      min: 1,
      max: 8,
      rounds: 3,
      beside: { median: 1.75 },
    })
  })
})

describe('npm run bench', () => {
  test('ends with 1 and says why when a measurement could not be made', () => {
    const { status, stderr, stdout } = bench(['--only', 'store', '--quick', '--json'], { TMPDIR: '/nowhere/at/all' })
    expect(status).toBe(1)
    expect(stderr).toContain('store could not be measured: ')
    expect(JSON.parse(stdout)).toMatchObject({ sections: [], failures: [{ name: 'store' }] })
  })

  test('refuses what it does not know, and says what it does', () => {
    for (const words of [['--only', 'speed'], ['--rounds', '0'], ['--fast']]) {
      const { status, stderr } = bench(words)
      expect(status).toBe(64)
      expect(stderr).toContain('--only NAME')
    }
  })
})

function bench(words: readonly string[], environment: Record<string, string> = {}) {
  const main = fileURLToPath(new URL('./bench/main.ts', import.meta.url))
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED, ...environment }
  return spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', env })
}

function row(section: Section, what: string): Row {
  const found = section.rows.find((each) => each.what === what)
  if (found === undefined) throw new Error(`There is no row “${what}” in:\n${formatSection(section)}`)
  return found
}

function figure(section: Section, what: string): number {
  return median(row(section, what).rounds)
}

/** Busy, as a slow machine would be: a timer would not hold up the actors. */
function wait(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** At work, however busy the machine is. */
function work(ms: number): void {
  const until = processorMs() + ms
  while (processorMs() < until);
}

function slowAgent(before: () => void): typeof buildAgent {
  return (parts) => {
    before()
    return buildAgent(parts)
  }
}

/** A supervisor without partitions: each spawn and each stop copies all children. */
async function flatTree() {
  let live = 0
  let named = 0
  /** A copy of everybody for each one: one microsecond a head, put in and not measured. */
  const costMs = (count: number): number => (count * live) / 1_000
  return {
    async open(count: number): Promise<Opened> {
      live += count
      return { conversations: Array.from({ length: count }, () => `leaf-${(named += 1)}`), ms: costMs(count) }
    },
    async close({ conversations }: Opened) {
      live -= conversations.length
      return { closed: conversations.length, ms: costMs(conversations.length) }
    },
    sweep: async () => ({ ms: 0, blockedMs: 0 }),
    closeAll: async () => {},
    get live() {
      return live
    },
    stop: () => {},
  }
}

async function serve(answer: () => Promise<number>): Promise<string> {
  const quiet = JSON.stringify({ outbox: 0, sessions: { pending: 0, running: 0, queued_messages: 0 } })
  const server: Server = createServer((request, response) => {
    request.resume()
    if (request.url === '/status') return void response.end(quiet)
    void answer().then((status) => response.writeHead(status).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return `http://127.0.0.1:${address.port}`
}
