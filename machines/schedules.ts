// Schedules: how the gateway starts, changes and ends the actors of schedules; pure functions over two definitions. A schedule holds
// nothing that is not on disk: a changed one is ended and begun anew.

import { nameOf, scheduleAddress } from './addresses.ts'
import type { ScheduleDefinition } from './definitions.ts'
import { isSame } from './redefinition.ts'

type Schedules = Readonly<Record<string, ScheduleDefinition>>

export interface SchedulesChange {
  readonly ended: readonly string[]
  readonly begun: readonly ScheduleDefinition[]
}

export function schedulesChange(current: Schedules, newer: Schedules): SchedulesChange {
  const differing = (a: Schedules, b: Schedules) => Object.keys(a).filter((name) => !isSame(a[name], b[name]))
  return {
    ended: differing(current, newer),
    begun: differing(newer, current).flatMap((name) => newer[name] ?? []),
  }
}

/** Those that the file does not name any more. */
export function removedSchedules({ definition }: Holding, newer: Holding['definition']): readonly string[] {
  return Object.keys(definition.schedules).filter((name) => !Object.hasOwn(newer.schedules, name))
}

interface Holding {
  readonly definition: { readonly schedules: Schedules }
}

/** The definition of a schedule's actor, as long as the file names it. */
export function scheduleOf(schedules: Schedules, actorId: string): ScheduleDefinition | undefined {
  return actorId === scheduleAddress(nameOf(actorId)) ? schedules[nameOf(actorId)] : undefined
}
