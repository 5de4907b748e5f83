// Observing: nobody who observes, and somebody who writes down what was said and holds that it was said in order.

import type { Activity, Ending, Happening, Observe } from '../../src/actors/observe.ts'

export const unobserved: Observe = { begin: () => () => {}, note: () => {} }

export interface Record {
  readonly activity: Activity
  /** null: it has not ended. */
  ending: Ending | null
}

export interface Recorder extends Observe {
  readonly activities: readonly Record[]
  readonly happenings: readonly Happening[]
  /** Kinds with their endings, in the order of their beginnings: `run done`. */
  words(...kinds: readonly Activity['kind'][]): string[]
}

/** Throws into whoever ends an activity twice: observed.ts writes that in the log, and the recorder keeps it too. */
export function recorder(): Recorder & { readonly twice: readonly string[] } {
  const activities: Record[] = []
  const happenings: Happening[] = []
  const twice: string[] = []
  return {
    activities,
    happenings,
    twice,
    begin(activity) {
      const record: Record = { activity, ending: null }
      activities.push(record)
      return (ending) => {
        if (record.ending !== null) twice.push(`${activity.kind} ${record.ending}, then ${ending}`)
        record.ending = ending
      }
    },
    note: (happening) => void happenings.push(happening),
    words: (...kinds) =>
      activities
        .filter(({ activity }) => kinds.includes(activity.kind))
        .map(({ activity, ending }) => `${activity.kind} ${ending ?? 'goes on'}`),
  }
}
