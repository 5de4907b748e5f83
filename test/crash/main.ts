// Crash: `npm run crash -- --rounds N --seed S [--broken NAME]` kills loaded gateways N times, at any moment and at each named
// point, and counts what became of everything that was accepted. Exit code 1 when something was lost, or is there twice
// without its record saying so, or a run that was long enough did not die at every point.

import { parseArgs } from 'node:util'
import { BROKEN } from './broken.ts'
import { isSound } from './count.ts'
import { type CrashResult, crashRounds } from './rounds.ts'
import { POINT_NAMES } from './points.ts'

const USAGE = `usage: npm run crash -- [--rounds 50] [--seed 1] [--broken NAME]
  broken subjects:
${Object.keys(BROKEN)
  .map((name) => `    ${name}`)
  .join('\n')}`

/** So many rounds are sure to die at each point: six in ten aim at one. */
const ROUNDS_FOR_ALL_POINTS = 5 * POINT_NAMES.length

const PROGRESS_MS = 5_000

// Ended by a signal, it would leave its gateways behind; an exit takes them along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

process.exitCode = await main(process.argv.slice(2))

async function main(given: string[]): Promise<number> {
  const options = read(given)
  if (options === null) {
    console.error(USAGE)
    return 64
  }
  const { rounds, seed, broken } = options
  console.log(`${rounds} rounds, seed ${seed}${broken === undefined ? '' : `, ${broken}`}`)
  const result = await crashRounds({ ...options, onRound: progress(rounds) })
  for (const [name, value] of rows(result)) console.log(`  ${name.padEnd(52)}${String(value).padStart(8)}`)
  for (const example of result.examples) console.log(`  ${example}`)
  for (const folder of result.kept) console.log(`  kept to look at: ${folder}`)
  const missed = rounds < ROUNDS_FOR_ALL_POINTS || broken !== undefined ? [] : missedPoints(result)
  if (missed.length > 0) console.log(`No process died ${missed.join(', ')}.`)
  console.log(isSound(result) ? 'Nothing was lost, nothing was done twice unsaid.' : 'A promise was broken.')
  return isSound(result) && missed.length === 0 ? 0 : 1
}

/** Says now and then how far the run is, and how long the rest will take. */
function progress(rounds: number): (round: number, said: number) => void {
  const startedAt = performance.now()
  let saidAt = startedAt
  return (round, said) => {
    const now = performance.now()
    if (now - saidAt < PROGRESS_MS && round < rounds) return
    saidAt = now
    const left = ((now - startedAt) / round) * (rounds - round)
    console.log(`  ${round} of ${rounds} rounds, ${said} messages said, about ${Math.ceil(left / 1_000)} s left`)
  }
}

function rows(result: CrashResult): [string, number | string][] {
  return [
    ...[...result.ends].map(([end, count]): [string, number] => [`processes that ended ${end}`, count]),
    ...[...result.points].map(([point, count]): [string, number] => [`  killed ${point}`, count]),
    ['messages accepted', result.accepted],
    ['answered', result.answered],
    ['given up after too many ends of their process', result.givenUp],
    ['answers that could not be delivered', result.undeliverable],
    ['lost', result.lost],
    ['turns that are there twice', result.doubledTurns],
    ['replies whose record says uncertain', result.uncertain],
    ['answers shown twice, record uncertain', result.markedDoubles],
    ['answers shown twice, record silent', result.unmarkedDoubles],
    ['answers sent again by a process that knew better', result.sentAgain],
    ['answers out of order', result.outOfOrder],
    ['tools called twice that must not be', result.doneTwice],
    ['tools called again that may be', result.doneAgain],
    ['towns', result.towns],
    ['seconds', result.seconds.toFixed(1)],
  ]
}

function missedPoints({ points }: CrashResult): string[] {
  return [...points].filter(([, hits]) => hits === 0).map(([point]) => point)
}

function read(given: string[]): { rounds: number; seed: number; broken?: string } | null {
  try {
    const { values } = parseArgs({
      args: given,
      options: { rounds: { type: 'string' }, seed: { type: 'string' }, broken: { type: 'string' } },
    })
    const [rounds, seed] = [Number(values.rounds ?? '50'), Number(values.seed ?? '1')]
    const { broken } = values
    if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) return null
    if (broken === undefined) return { rounds, seed }
    return broken in BROKEN ? { rounds, seed, broken } : null
  } catch {
    return null
  }
}
