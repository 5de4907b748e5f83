// Calm: everything is healed and time passes until nothing moves; then every accepted message has its one end.

import { checkOutcome } from './checks.ts'
import type { Simulation } from './simulation.ts'

export async function calm(simulation: Simulation): Promise<void> {
  const { disk, throws, platforms, file, model, toolshed } = simulation
  simulation.note('calm')
  simulation.fuse = null
  const { fast } = disk
  disk.fast = true
  disk.heal()
  throws.heal()
  for (const platform of platforms.values()) platform.heal()
  await simulation.settle()
  for (let look = 0; simulation.process?.draining === true && look < 60; look += 1) await simulation.advance(1_000)
  file.heal()
  simulation.start()
  simulation.tellFile()
  model.heal()
  toolshed.heal()
  for (let look = 0; look < LOOKS_MAX && !(await rests(simulation)); look += 1)
    await simulation.advance(look < 10 ? 1_100 : 30_000)
  await checkOutcome(simulation)
  file.settle()
  model.healed = false
  toolshed.healed = false
  disk.fast = fast
}

/** Some two hours: a tool that never returns holds a slot until its run's deadline, and an approval until its own. */
const LOOKS_MAX = 240

async function rests(simulation: Simulation): Promise<boolean> {
  const { process, model, verdict, ledger, disk, toolshed } = simulation
  await simulation.settle()
  for (const each of model.running) each.act('finish')
  for (const [id, report] of process?.reports ?? []) {
    if (report.state === 'paused' || report.state === 'failed') simulation.control(id, 'reconnect')
  }
  await simulation.settle()
  const channelsLive = [...(process?.reports.values() ?? [])].every((report) => report.state === 'live')
  const settled = ledger.unsettled().next().done === true && ledger.owed().next().done === true
  const still = disk.waiting === 0 && toolshed.boxes.length === 0
  return verdict.first !== null || (channelsLive && settled && still)
}
