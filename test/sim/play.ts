// Play: what becomes of a schedule. One with a victim is played twice, once without the throws: whatever is thrown in the victim's
// conversation, the people of every other conversation see the same (S55, C1).

import type { Breakage } from './broken-parts.ts'
import { idOf } from './file.ts'
import { type Outcome, Simulation } from './simulation.ts'
import type { Schedule } from './steps.ts'

export interface PlayOptions {
  readonly hit?: (event: string) => void
  readonly breakage?: (() => Breakage) | undefined
}

export async function play(schedule: Schedule, options: PlayOptions = {}): Promise<Outcome> {
  const [outcome, seen, broke] = await playOnce(schedule, options)
  if (schedule.victim === undefined || outcome.violation !== null) return outcome
  options.hit?.('a twin without the throws')
  // A step takes a moment of its own: without it a loose one behind it would come at another time, and people would see that.
  const steps = schedule.steps.map((step) => (step.do === 'throw' ? ({ ...step, spared: true } as const) : step))
  const [twin, expected, brokeThere] = await playOnce({ ...schedule, steps }, options)
  if (twin.violation !== null) return twin
  const victim = `${idOf(schedule.victim.ch)}/c${schedule.victim.conv}`
  for (const place of new Set([...seen.keys(), ...expected.keys()])) {
    const [here, there] = [seen.get(place), expected.get(place)]
    // After how many tries a message is given up depends on who else breaks at that time, on purpose: MESSAGE_TRIES_IN_COMPANY_MAX.
    const isBroken = [...broke, ...brokeThere].some((session) => placeOf(session) === place)
    if (place === victim || here === there || isBroken) continue
    const text = `throws in ${victim} change ${place}: ${difference(there ?? '', here ?? '')}`
    return { ...outcome, violation: { rule: 'ISOLATION', text } }
  }
  return outcome
}

type Played = [Outcome, Map<string, string>, ReadonlySet<string>]

async function playOnce(schedule: Schedule, { hit, breakage }: PlayOptions): Promise<Played> {
  const simulation = new Simulation(schedule, { ...(hit === undefined ? {} : { hit }), breakage: breakage?.() ?? null })
  const outcome = await simulation.run()
  const seen = schedule.victim === undefined ? new Map<string, string>() : outcomesOf(simulation)
  await simulation.close()
  return [outcome, seen, simulation.broke]
}

/** The conversation of a session's address. */
function placeOf(address: string): string {
  return address
    .replace(/^session:/, '')
    .split('/')
    .slice(0, 2)
    .join('/')
}

/** By conversation: how each message ended, what each session's record holds, and what was said to people. */
function outcomesOf({ ledger }: Simulation): Map<string, string> {
  const lines = new Map<string, string[]>()
  const add = (place: string, line: string): void => {
    const told = line.replace(NUMBERED, 'N-$1')
    if (lines.get(place)?.push(told) === undefined) lines.set(place, [told])
  }
  for (const { message, outcome, reason } of ledger.messages.values())
    add(`${message.channel}/${message.conversation}`, `${message.platformMessageId} ${outcome} ${reason}`)
  for (const [session, entries] of [...ledger.entries].sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const { role, text } of entries) add(session.split('/').slice(0, 2).join('/'), `${session} ${role}: ${text}`)
  for (const { channel, conversation, text, end } of ledger.replies.values())
    add(`${channel}/${conversation}`, `${end}: ${text}`)
  return new Map([...lines].map(([place, some]) => [place, some.join('\n')]))
}

/** The name of an approval holds the number of a message, and one that is offered a second time takes a number. */
const NUMBERED = /\b\d+-(\d+)\b/g

function difference(expected: string, seen: string): string {
  const [a, b] = [expected.split('\n'), seen.split('\n')]
  const at = a.findIndex((line, index) => line !== b[index])
  return `"${a[at] ?? 'nothing'}" became "${b[at === -1 ? a.length : at] ?? 'nothing'}"`
}
