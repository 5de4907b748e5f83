// The simulation by hand: npm run sim -- --seed S --steps N [--workers W] [--sessions K] [--verbose]
// Exit code 1 when a promise was broken; what is printed then is enough to see it again.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isClassed, met } from './classes.ts'
import { type Progress, runWithCrew } from './crew.ts'
import { asTest, shrink } from './shrink.ts'
import type { Failed, Hits } from './run.ts'

const TELL_EVERY_MS = 5_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '100000' },
    workers: { type: 'string' },
    sessions: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
const steps = Number(values.steps)
const workers = Number(values.workers ?? Math.min(2, availableParallelism()))
const sessions = values.sessions === undefined ? null : Number(values.sessions)
const failed: Failed[] = []
const startedMs = performance.now()
let toldMs = startedMs

console.log(`seed ${seed}, ${steps} steps, ${workers} at work`)
const report = await runWithCrew({ seed, steps, workers, sessions, onFailure, onProgress })
tellClasses(report.hits)
const ran = `${report.worlds} worlds, ${report.steps} steps`
console.log(
  `${ran}, ${seconds().toFixed(1)} s, ${Math.round(report.steps / seconds())} steps/s, ${report.failures} broken`,
)

const first = failed.toSorted((a, b) => a.world - b.world)[0]
if (first !== undefined) {
  const { schedule, outcome, world } = first
  console.log(outcome.events.slice(-60).join('\n'))
  console.log(`seed ${seed}, world ${world} (its own seed is ${schedule.seed}), step ${outcome.at}`)
  const small = await shrink(schedule, { runsMax: 400 })
  console.log(small === null ? 'it did not fail a second time: the simulation is not repeatable' : asTest(small))
  process.exitCode = 1
}

function onFailure(failure: Failed): boolean {
  failed.push(failure)
  const { violation, at } = failure.outcome
  console.log(`world ${failure.world}, step ${at}: ${violation?.rule} broken: ${violation?.text}`)
  return values.verbose
}

function onProgress({ worlds, worldsAll, steps: done, failures }: Progress): void {
  if (performance.now() - toldMs < TELL_EVERY_MS) return
  toldMs = performance.now()
  const left = (seconds() / worlds) * (worldsAll - worlds)
  const rate = Math.round(done / seconds())
  const memory = Math.round(process.memoryUsage.rss() / 1_048_576)
  const broken = failures === 0 ? '' : `, ${failures} broken`
  console.log(`${done} of ${steps} steps, ${rate} steps/s, ${Math.ceil(left)} s left, ${memory} MB${broken}`)
}

function tellClasses(hits: Hits): void {
  for (const { scenario, says, events } of met(hits)) {
    console.log(`${scenario}: ${says}`)
    for (const { event, times } of events) console.log(`${String(times).padStart(9)} ${event}`)
  }
  console.log('besides')
  for (const [event, times] of [...hits].sort(([a], [b]) => a.localeCompare(b)))
    if (!isClassed(event)) console.log(`${String(times).padStart(9)} ${event}`)
}

function seconds(): number {
  return (performance.now() - startedMs) / 1_000
}
