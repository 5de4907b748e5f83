// Phases of a start: what happens in each of them has its name: in every failure, and in the log with how long it took.
//   Construction is told apart from execution: `construct` ends before anything is open or connected.

import { FailureError, thrownIn } from '../../machines/failure.ts'
import type { ChannelState } from '../../machines/messages.ts'
import { type Phase, PHASES } from '../../machines/phases.ts'
import type { Log, LogFields } from '../log.ts'
import type { World } from '../world.ts'

/** A phase that is over, and how long it took. */
export interface PhaseTime {
  readonly phase: Phase
  readonly ms: number
}

export interface PhasesOptions {
  /** What was over before the log was open: how the file was read. */
  readonly earlier: readonly PhaseTime[]
  /** `info` for whoever reads the log by program; a person need not see what went well. */
  readonly level: 'debug' | 'info'
}

export interface Phases {
  /** Does a part of a phase; a failure that it throws names the phase. */
  attempt<T>(phase: Phase, act: () => T | Promise<T>): Promise<T>
  /** The phase is over since this moment. */
  end(phase: Phase): void
  /** The same for a phase that has one part. */
  whole<T>(phase: Phase, act: () => T | Promise<T>): Promise<T>
  /** The roll was called: `connect` is over, and with it the start. */
  ready(channels: readonly { readonly state: ChannelState }[]): void
}

/** One line for each phase, in their order; that of `ready` has the time of the whole start. */
export function startPhases({ earlier, level, world, log }: PhasesOptions & { world: World; log: Log }): Phases {
  const begun = new Map<Phase, number>()
  const tell = (phase: Phase, ms: number, fields: LogFields = {}): void => {
    log[level]({ phase, ms, ...fields }, `${phase}: ${PHASES[phase]}`)
  }
  for (const { phase, ms } of earlier) tell(phase, ms)
  const beganMs = world.nowMs() - earlier.reduce((sum, { ms }) => sum + ms, 0)
  const phases: Phases = {
    async attempt(phase, act) {
      if (!begun.has(phase)) begun.set(phase, world.nowMs())
      try {
        return await act()
      } catch (thrown) {
        throw thrown instanceof FailureError ? thrownIn(phase, thrown) : thrown
      }
    },
    end(phase) {
      const nowMs = world.nowMs()
      tell(phase, nowMs - (begun.get(phase) ?? nowMs))
    },
    async whole(phase, act) {
      const result = await phases.attempt(phase, act)
      phases.end(phase)
      return result
    },
    ready(channels) {
      phases.end('connect')
      const live = channels.filter(({ state }) => state === 'live').length
      tell('ready', world.nowMs() - beganMs, { live, of: channels.length })
    },
  }
  return phases
}
