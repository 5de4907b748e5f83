// Bench: `npm run bench`. Makes the measurements one after the other and prints what each gave, with its target beside it.
//   Exit code 0 however the figures are; 1 when a measurement could not be made, with the reason; 64 for wrong usage.
//   Standard output holds figures alone; what is being done stands on standard error.

import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { measureBusy } from './busy.ts'
import { isInProcess } from './in-process.ts'
import { measureLatency } from './latency.ts'
import { measureOverload } from './overload.ts'
import { measureRecovery } from './recovery.ts'
import { formatSection, type Measure, type MeasureOptions, plainSection, type Section } from './report.ts'
import { measureStart } from './start.ts'
import { measureStop } from './stop.ts'
import { measureWeb } from './web.ts'
import { measureWedged } from './wedged.ts'

/** In the order in which they are printed. */
const MEASUREMENTS = [
  'start',
  'latency',
  'wedged',
  'stop',
  'busy',
  'web',
  'overload',
  'recovery',
  'sessions',
  'waiting',
  'memory',
  'inspect',
  'observe',
  'tools',
  'workdirs',
  'store',
  'usage',
  'mcp',
] as const

type Name = (typeof MEASUREMENTS)[number]

const ROUNDS = 3
const ROUNDS_MAX = 100

const HELP = `npm run bench -- [--only NAME]… [--rounds N] [--quick] [--json]

Measures Troupe on this machine. Each figure is the median of its rounds, with least, greatest and number of rounds.

  --only NAME   one of ${MEASUREMENTS.join(', ')}; may be given again
  --rounds N    how often each is measured (default: ${ROUNDS})
  --quick       smaller and shorter: to see that it works, not to compare
  --json        print JSON, for programs
  --help        this

What each figure is and how it is measured stands in test/bench/README.md.`

async function main(words: readonly string[]): Promise<number> {
  const asked = read(words)
  if (typeof asked === 'string') {
    process.stderr.write(`${asked}\n\n${HELP}\n`)
    return 64
  }
  if (asked.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const sections: Section[] = []
  const failures: { name: Name; why: string }[] = []
  if (!asked.json) process.stdout.write(`${machine()}\n`)
  for (const name of asked.names) {
    process.stderr.write(`measuring ${name} …\n`)
    try {
      const section = await MEASURES[name](asked.options)
      sections.push(section)
      if (!asked.json) process.stdout.write(`\n${formatSection(section)}\n`)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      failures.push({ name, why })
      process.stderr.write(`${name} could not be measured: ${why}\n`)
    }
  }
  if (asked.json) {
    const report = { machine: machine(), sections: sections.map(plainSection), failures }
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  }
  return failures.length === 0 ? 0 : 1
}

const MEASURES: Readonly<Record<Name, Measure>> = {
  start: measureStart,
  latency: measureLatency,
  wedged: measureWedged,
  stop: measureStop,
  busy: measureBusy,
  web: measureWeb,
  overload: measureOverload,
  recovery: measureRecovery,
  sessions: (options) => inOwnProcess('sessions', options),
  waiting: (options) => inOwnProcess('waiting', options),
  memory: (options) => inOwnProcess('memory', options),
  inspect: (options) => inOwnProcess('inspect', options),
  observe: (options) => inOwnProcess('observe', options),
  tools: (options) => inOwnProcess('tools', options),
  workdirs: (options) => inOwnProcess('workdirs', options),
  store: (options) => inOwnProcess('store', options),
  usage: (options) => inOwnProcess('usage', options),
  mcp: (options) => inOwnProcess('mcp', options),
}

interface Asked {
  readonly names: readonly Name[]
  readonly options: MeasureOptions
  readonly json: boolean
  readonly help: boolean
}

/** What was asked for, or what is wrong with it. */
function read(words: readonly string[]): Asked | string {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    const names = values.only?.flatMap((word) => word.split(',')) ?? MEASUREMENTS
    const unknown = names.find((name) => !isName(name))
    if (unknown !== undefined) return `There is no measurement ${unknown}.`
    const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS))
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) return `--rounds takes 1 to ${ROUNDS_MAX}.`
    const options = { rounds, size: values.quick ? 'quick' : 'full' } as const
    return { names: MEASUREMENTS.filter((name) => names.includes(name)), options, json: values.json, help: values.help }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function isName(word: string): word is Name {
  return MEASUREMENTS.some((name) => name === word)
}

/** A process of its own, so that its heap holds nothing of another measurement. */
function inOwnProcess(name: Name, options: MeasureOptions): Promise<Section> {
  if (!isInProcess(name)) throw new Error(`${name} starts processes by itself.`)
  const child = fork(new URL('./child-measure.ts', import.meta.url), [name, JSON.stringify(options)])
  return new Promise((resolve, reject) => {
    child.on('message', (answer: { section?: Section; why?: string }) => {
      if (answer.section === undefined) reject(new Error(answer.why))
      else resolve(answer.section)
    })
    child.on('exit', (code) => reject(new Error(`its process ended with exit code ${code}`)))
  })
}

/** What a figure is worth nothing without. */
function machine(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string // Ours.
  }
  const [processor] = cpus()
  const memory = `${Math.round(totalmem() / 1e9)} GB`
  const load = loadavg()[0]?.toFixed(1)
  return `Troupe ${version}, Node ${process.versions.node}, ${cpus().length} × ${processor?.model ?? 'unknown'}, ${memory}, load ${load}, files in ${tmpdir()}`
}

// Last: a module's constants exist only once it was read to its end.
process.exitCode = await main(process.argv.slice(2))
