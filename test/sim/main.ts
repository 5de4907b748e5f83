// The simulation by hand: npm run sim -- --seed S --steps N [--sessions K] [--verbose]
// Exit code 1 when a promise was broken; what is printed then is enough to see it again.

import { parseArgs } from 'node:util'
import { asTest, shrink } from './shrink.ts'
import { type Failed, run } from './run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '100000' },
    sessions: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
const sessions = values.sessions === undefined ? null : Number(values.sessions)
const failed: Failed[] = []
const startedMs = performance.now()

console.log(`seed ${seed}, ${values.steps} steps`)
const report = await run({
  seed,
  steps: Number(values.steps),
  sessions,
  onFailure: (failure) => {
    failed.push(failure)
    const { violation, at } = failure.outcome
    console.log(`world ${failure.world}, step ${at}: ${violation?.rule} broken: ${violation?.text}`)
    return values.verbose
  },
})
const seconds = (performance.now() - startedMs) / 1_000

for (const [event, times] of [...report.hits].sort(([a], [b]) => a.localeCompare(b))) console.log(`${event}: ${times}`)
console.log(`${report.worlds} worlds, ${report.steps} steps, ${seconds.toFixed(1)} s, ${report.failures} broken`)

const [first] = failed
if (first !== undefined) {
  console.log(first.outcome.events.slice(-60).join('\n'))
  const small = await shrink(first.schedule, { runsMax: 400 })
  console.log(small === null ? 'it did not fail a second time: the simulation is not repeatable' : asTest(small))
  process.exitCode = 1
}
