// Classes: what the simulation claims to have met, as the events that say so. A claim of which one event never came is no claim:
// `test/sim.test.ts` asks that each came, and every run says how often, so that nobody mistakes silence for coverage.
// A `*` stands for any ending.

import { PASSAGES } from './steps.ts'

export interface ScenarioClass {
  /** As the scenarios are numbered; or a word where none is. */
  readonly scenario: string
  readonly says: string
  readonly events: readonly string[]
}

/** What happens to the gateway. */
const HAPPENS: readonly ScenarioClass[] = [
  of(
    'messages',
    'of every kind',
    'say plain',
    'say photo',
    'say album',
    'say split',
    'say poison',
    'say queue',
    'say steer',
  ),
  of('redeliveries', 'the same message again', 'say again', 'a message came a second time'),
  of('stops', '/stop and /new wherever a session may be', '/stop while *', '/new while *'),
  of('resets', 'the history is cut', '/new while idle', '/undo while idle', 'a history was summarised'),
  of(
    'model',
    'late, failing, hanging',
    'model answer',
    'model late',
    'model retryable',
    'model permanent',
    'model defect',
  ),
  of('crash', 'before and after any effect', ...crashes(), 'crash with nothing on its way to the disk'),
  of('disk', 'slow, full, failing once', 'disk slow', 'disk failWrites', 'disk failAll', 'disk failNext'),
  of('clock', 'jumps', 'a jump of 15 seconds', 'a jump of a minute', 'a jump beyond every deadline'),
  of('drain', 'to its end', 'drain', 'a drain came to its end', 'accept while draining'),
  of('reload', 'a newer file', 'reload channel', 'reload agent', 'reload gateway', 'reload token', 'reload remove'),
  of('connection', 'it breaks and is made anew', 'break away', 'connect refuse', 'connect silent', 'control reconnect'),
  of('letters', 'a dead letter is tried again', 'a dead letter was tried again'),
  of('thousands', 'of sessions', 'a crowd', 'a thousand sessions and more in memory', 'a partition was full'),
  of('passivation', 'of hundreds at once', 'sessions left memory by hundreds'),
]

/** A message that comes in a narrow moment. */
const WINDOWS: readonly ScenarioClass[] = [
  of('window', 'the last moment of a run', 'a message and the end of its run in one moment'),
  of('window', 'hand-over', 'accept while running.committing.writing', 'accept while running.committing.writingAgain'),
  of('window', 'delivery', 'accept while a reply is being sent', 'a message and a delivery in one moment'),
  of('window', 'passivation', 'a message was being written while its session left memory'),
  of(
    'window',
    'restart of a session',
    'accept while its session waits to be started again',
    'a message and a failure of its session in one moment',
    'a message and a restart of its session in one moment',
  ),
  of(
    'window',
    'reload',
    'a message and a newer file in one moment',
    'a newer file while a run is at work',
    'accept while its channel changes its connection',
  ),
]

const SCENARIOS: readonly ScenarioClass[] = [
  of('S13', 'a second message while the first is prepared', 'accept while pending.preparing'),
  of('S14', 'a message at rest or in nobody’s memory is a claim at once', 'accept while idle', 'accept while nowhere'),
  of('S15', 'preparation fails', 'a throw at begin', 'somebody was told that a run failed'),
  of('S16', '/stop in pending', '/stop while pending'),
  of('S17', 'messages in pending', 'accept while pending.waiting', 'accept while pending.gathering.quiet'),
  of('S18', 'every slot is taken', 'the last slot was taken'),
  of('S19', 'queue', 'busy mode queue', '/queue while running.working'),
  of('S20', 'interrupt', 'busy mode interrupt', 'a run was interrupted', 'a partial answer was kept'),
  of('S22', 'collect', 'busy mode collect'),
  of('S23', 'steer', 'busy mode steer', 'step written: steering', 'steering became a turn of its own'),
  of('S24', 'albums and split texts', 'parts became one message'),
  of('S25', 'several people', 'one turn of several people'),
  of('S26', 'the queue is full', 'a dead letter: the inbox was full'),
  of('S30', 'asked during a run', '/help while running.working', '/status while running.working'),
  of('S31', 'commands that never reach a model', 'say bare', 'say unknown'),
  of('S32', '/stop during a run', '/stop while running.working', 'a run was ended', 'a tool was ended'),
  of('S33', 'the ended run returns late', 'a run was ended and did not hear it', 'model late', 'tool late'),
  of('S34', '/new during a run', '/new while running.working'),
  of(
    'S35',
    '/stop or /new in the moment of its end',
    '/stop while running.committing',
    '/new while running.committing',
  ),
  of('S36', 'an old run unwinds', 'an old run ended after a newer one had begun'),
  of('S37', '/stop with nothing to stop', '/stop while idle'),
  of(
    'S39',
    'approval',
    'approved',
    'denied',
    'the deadline of an approval',
    'a drain denied what waited',
    'a turn was ended while an approval waited',
  ),
  of(
    'S40',
    'whose word, about what',
    'one of several approvals was decided',
    'a word without a name while several wait',
    'a name that no approval has',
    'somebody who may not decide was told so',
    'somebody was reminded that an approval waits',
  ),
  of(
    'S42',
    'a run goes on',
    'a run goes on where its steps end',
    'the outcome of a call is unknown',
    'an idempotent tool was called again',
  ),
  of('S43', 'a message for a session that is taken up', 'accept for a session that is taken up'),
  of('S45', 'a message that keeps breaking', 'a dead letter: it broke its session'),
  of('S46', 'the disk refuses', 'an accept failed; the platform keeps the message'),
  of('S48', 'refused sends', 'send limited', 'send blocked', 'send away'),
  of('S49', 'cut sends', 'send cut', 'send cutAfter', 'send well, uncertain'),
  of('S50', 'several parts', 'a second part was sent'),
  of('S51', 'a send that does not return', 'send hang', 'send holdBefore', 'send holdAfter'),
  of('S52', 'streaming', 'a delta was shown'),
  of('S54', 'back from passivation', 'accept for a session that had left memory'),
  of('S55', 'a defect at each await point', 'session failed', 'a twin without the throws', ...throwsAt()),
  of(
    'tools',
    'what tools do',
    'several tools at once',
    'tool answer',
    'tool fail',
    'tool defect',
    'a tool never returns',
  ),
  of('toolbox', 'opened and closed', 'a toolbox was opened', 'a toolbox was closed', 'a toolbox could not be built'),
  of('limits', 'a run ends by itself', 'a run reached its deadline', 'a run ran out of steps'),
]

const CLASSES: readonly ScenarioClass[] = [...HAPPENS, ...WINDOWS, ...SCENARIOS]

export interface Met {
  readonly scenario: string
  readonly says: string
  readonly events: readonly { readonly event: string; readonly times: number }[]
}

export function met(hits: ReadonlyMap<string, number>): Met[] {
  return CLASSES.map(({ scenario, says, events }) => ({
    scenario,
    says,
    events: events.map((event) => ({ event, times: timesOf(event, hits) })),
  }))
}

/** Whether an event belongs to a class: the others are listed by themselves. */
export function isClassed(event: string): boolean {
  return CLASSES.some(({ events }) => events.some((pattern) => fits(pattern, event)))
}

function timesOf(pattern: string, hits: ReadonlyMap<string, number>): number {
  let times = 0
  for (const [event, count] of hits) if (fits(pattern, event)) times += count
  return times
}

function fits(pattern: string, event: string): boolean {
  return pattern.endsWith('*') ? event.startsWith(pattern.slice(0, -1)) : pattern === event
}

/** Between any two effects: what a message's way is made of, cut before the effect, and after it and before its result. */
function crashes(): string[] {
  const writes = ['accept', 'begin', 'commit', 'attempt', 'receipt']
  return [
    ...writes.map((name) => `crash before ${name}`),
    ...writes.map((name) => `crash after the effect and before the result of ${name}`),
  ]
}

function throwsAt(): string[] {
  return Object.keys(PASSAGES).map((passage) => `a throw at ${passage}`)
}

function of(scenario: string, says: string, ...events: string[]): ScenarioClass {
  return { scenario, says, events }
}
