// Checks: what must hold whenever everything has come to rest, and what must hold when everything was healed and time has passed.

import { takesRoom } from './records.ts'
import type { Simulation } from './simulation.ts'
import { givenIn } from './taken.ts'

export function checkAtRest(simulation: Simulation): void {
  const { process, disk, ledger, verdict, platforms, file } = simulation
  if (process === null || process.draining || disk.waiting > 0 || disk.failing !== 'nothing') return
  for (const [channel, platform] of platforms) {
    const state = process.reports.get(channel)?.state
    // C1: a channel whose connection stands is live, whatever befell the others.
    verdict.check(
      !platform.connected || state === 'live' || state === 'connecting' || platform.leaving,
      'C1',
      () => `${channel} is connected and ${state}`,
    )
  }
  checkToolboxes(simulation)
  for (const session of simulation.touched) {
    const state = process.shown.get(session)
    const channel = session.slice(0, 1)
    // What a channel that left had accepted waits on disk until it is named again, and until the earlier one is gone.
    const isLeaving = file.hasLeft(channel) || process.gateway.getSnapshot().context.leaving[channel] !== undefined
    if (process.failed.has(session) || state === undefined || isLeaving) continue
    const waiting = ledger.unsettledOf(session)
    verdict.check(
      state !== 'idle' || waiting.length === 0,
      'S5',
      () => `${session} is idle, and ${waiting.length} wait`,
    )
    for (const each of waiting) each.kept = true
    const limit = Math.max(0, ...file.channel(session).map(({ queueLimit }) => queueLimit))
    // Whatever follows a split text at once is taken for its continuation and takes no room.
    if (waiting.some((each) => each.message.continues)) continue
    const alone = waiting.filter(
      (each) =>
        takesRoom(each) && !each.recovered && !each.reopened && each.message.album === null && !each.message.continues,
    )
    // The turn at work may come back into the inbox with a restart: it had its room.
    verdict.check(
      limit === 0 || alone.length <= limit + turnOf(simulation, session),
      'S2',
      () => `${session}: ${alone.length} wait, room for ${limit}`,
    )
  }
  simulation.touched.clear()
}

/** The turn that was begun last, in messages: those that it began with, and the steering that its run was given. */
function turnOf({ ledger }: Simulation, session: string): number {
  const record = ledger.turns.latest(session)
  if (record === undefined) return 1
  return Math.max(1, new Set([...record.seqs, ...givenIn(record.steps).flatMap(({ seqs }) => seqs)]).size)
}

/** A2: whose run is over, or lost, has no toolbox open. */
function checkToolboxes({ process, toolshed, verdict, ledger }: Simulation): void {
  for (const { session, turn, state, caller } of toolshed.boxes) {
    // Before its channel's first connection a session shows nothing.
    const shown = process?.shown.get(session) ?? 'running'
    const runs = shown === 'running' && ledger.turns.isOpen(session, turn)
    const over = caller === process && state === 'open' && !runs
    verdict.check(!over, 'A2', () => `the toolbox of ${session} ${turn} is open, and nothing of it runs`)
  }
}

export async function checkOutcome(simulation: Simulation): Promise<void> {
  const { ledger, verdict, model, process, platforms, toolshed, store } = simulation
  if (verdict.first !== null) return
  const left = [...ledger.unsettled()]
  verdict.check(
    left.length === 0,
    'S4',
    () =>
      `stranded: ${left
        .slice(0, 3)
        .map(
          ({ seq, message }) =>
            `${seq} ${message.sessionKey} ${message.text} (session ${process?.stateOf(message.sessionKey)})`,
        )
        .join('; ')}`,
  )
  const owed = [...ledger.owed()]
  verdict.check(
    owed.length === 0,
    'S4',
    () => `never delivered: reply ${owed[0]?.id} to ${owed[0]?.channel}/${owed[0]?.conversation}: ${owed[0]?.text}`,
  )
  verdict.check(model.running.length === 0, 'STALL', () => 'a run is alive and everything is answered')
  verdict.check(
    toolshed.boxes.length === 0,
    'A2',
    () => `${toolshed.boxes.length} toolboxes are open, and nothing runs`,
  )
  const { messages, outbox, deadLetters } = await store.counts()
  const ends = { answered: 0, discarded: 0, dead: 0, waiting: 0 }
  for (const { outcome } of ledger.messages.values()) ends[outcome ?? 'waiting'] += 1
  verdict.check(
    JSON.stringify({ ...ends, ...messages }) === JSON.stringify(ends),
    'S4',
    () => `the store counts ${JSON.stringify(messages)}, there were ${JSON.stringify(ends)}`,
  )
  verdict.check(
    outbox === 0 && deadLetters === ledger.letters.size,
    'M3',
    () => `${outbox} owed, ${deadLetters} dead letters of ${ledger.letters.size}`,
  )
  for (const reply of ledger.replies.values()) {
    const there = reply.end === 'dead' || platforms.get(reply.channel)!.delivered(reply.id, reply.text)
    verdict.check(there, 'S4', () => `reply ${reply.id} counts as delivered and never reached anybody`)
  }
  for (const [channel, platform] of platforms) {
    const state = process?.reports.get(channel)?.state
    verdict.check(
      state === 'live' && platform.connected,
      'C1',
      () => `${channel} is ${state} and nothing keeps it from being live`,
    )
  }
  verdict.check(
    process?.reports.size === platforms.size && process.rollCalls === 1,
    'C3',
    () => `${process?.rollCalls} roll calls`,
  )
}
