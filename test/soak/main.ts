// Soak: `npm run soak -- --laps N --talks N --seed S` uses one gateway in every way, lap after lap, and says what of it grew. Exit code 1
// when something did.

import { parseArgs } from 'node:util'
import { BROKEN, flagsOf } from './broken.ts'
import type { Look } from './looks.ts'
import { soak } from './soak.ts'

const USAGE = `usage: npm run soak -- [--laps 20] [--talks 300] [--seed 1] [--broken NAME]
  broken subjects:
${Object.keys(BROKEN)
  .map((name) => `    ${name}`)
  .join('\n')}`

// Ended by a signal, it would leave its gateway behind; an exit takes it along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

process.exitCode = await main(process.argv.slice(2))

async function main(given: string[]): Promise<number> {
  const options = read(given)
  if (options === null) {
    console.error(USAGE)
    return 64
  }
  const { laps, talks, seed } = options
  console.log(`${laps} laps of ${talks} talks, seed ${seed}`)
  console.log(row(['lap', 'heap MB', 'resident MB', 'open', 'processes', 'folders', 'seconds']))
  const beganAt = performance.now()
  const { talks: kinds, grown } = await soak({
    ...options,
    onLap: (lap, look) => console.log(row(cells(lap, look, beganAt))),
  })
  for (const [kind, count] of kinds) console.log(`  ${kind.padEnd(32)}${String(count).padStart(8)}`)
  console.log(grown.length === 0 ? 'Nothing grew.' : `Grown: ${grown.join('; ')}.`)
  return grown.length === 0 ? 0 : 1
}

function cells(lap: number, look: Look, beganAt: number): string[] {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const { heapBytes, residentBytes, descriptors, processes, folders } = look
  const seconds = ((performance.now() - beganAt) / 1_000).toFixed(0)
  return [
    `${lap}`,
    megabytes(heapBytes),
    megabytes(residentBytes),
    ...[descriptors, processes, folders].map(String),
    seconds,
  ]
}

function row(texts: readonly string[]): string {
  return texts.map((text) => text.padStart(12)).join('')
}

function read(given: string[]): { laps: number; talks: number; seed: number; nodeFlags: string[] } | null {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({ args: given, options: { laps: text, talks: text, seed: text, broken: text } })
    const [laps, talks, seed] = [values.laps ?? '20', values.talks ?? '300', values.seed ?? '1'].map(Number)
    const isWhole = (number: number | undefined): number is number => Number.isSafeInteger(number) && Number(number) > 0
    if (!isWhole(laps) || !isWhole(talks) || !isWhole(seed)) return null
    const { broken } = values
    if (broken !== undefined && BROKEN[broken] === undefined) return null
    return { laps, talks, seed, nodeFlags: broken === undefined ? [] : flagsOf(broken) }
  } catch {
    return null
  }
}
