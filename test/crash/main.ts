// Crash: `npm run crash -- --rounds N --seed S [--sabotage KIND]` kills a loaded gateway N times and counts what became of
// everything that was accepted. Exit code 1 when something was lost, or is there twice without its record saying so.

import { parseArgs } from 'node:util'
import { type CrashResult, crashRounds } from './rounds.ts'
import { isSound } from './count.ts'
import { type Sabotage, SABOTAGES } from './sabotage.ts'

const USAGE = `usage: npm run crash -- [--rounds 50] [--seed 1] [--sabotage ${SABOTAGES.join('|')}]`

process.exitCode = await main(process.argv.slice(2))

async function main(given: string[]): Promise<number> {
  const options = read(given)
  if (options === null) {
    console.error(USAGE)
    return 64
  }
  const { rounds, seed } = options
  console.log(
    `${rounds} rounds, seed ${seed}${options.sabotage === undefined ? '' : `, sabotage: ${options.sabotage}`}`,
  )
  const onRound = (round: number, said: number): void => {
    if (round % 10 === 0) console.log(`  ${round} kills, ${said} messages said`)
  }
  const result = await crashRounds({ ...options, onRound })
  for (const [name, value] of rows(result)) console.log(`  ${name.padEnd(38)}${String(value).padStart(8)}`)
  for (const example of result.examples) console.log(`  ${example}`)
  console.log(isSound(result) ? 'Nothing was lost, nothing was done twice unsaid.' : `BROKEN (seed ${seed})`)
  return isSound(result) ? 0 : 1
}

function rows(result: CrashResult): [string, number | string][] {
  return [
    ['kills', result.kills],
    ['of them before it listened', result.killsInStart],
    ['messages accepted', result.accepted],
    ['answered', result.answered],
    ['dead letters', result.deadLetters],
    ['lost', result.lost],
    ['turns that are there twice', result.doubledTurns],
    ['answers shown twice, record uncertain', result.markedDoubles],
    ['answers shown twice, record silent', result.unmarkedDoubles],
    ['answers out of order', result.outOfOrder],
    ['seconds', result.seconds.toFixed(1)],
  ]
}

function read(given: string[]): { rounds: number; seed: number; sabotage?: Sabotage } | null {
  try {
    const { values } = parseArgs({
      args: given,
      options: { rounds: { type: 'string' }, seed: { type: 'string' }, sabotage: { type: 'string' } },
    })
    const [rounds, seed] = [Number(values.rounds ?? '50'), Number(values.seed ?? '1')]
    const sabotage = SABOTAGES.find((kind) => kind === values.sabotage)
    if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) return null
    if (values.sabotage !== undefined && sabotage === undefined) return null
    return { rounds, seed, ...(sabotage === undefined ? {} : { sabotage }) }
  } catch {
    return null
  }
}
