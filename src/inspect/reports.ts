// Reports: what XState says happens in a tree, to whoever asked for it. XState by itself makes each report anew for its
// observers, and asks none of them whether they care: 0.6 µs for each event of a tree in which nothing is watched, a tenth of
// what the event costs (measured on 5.33.3). So those that nobody wants are stopped before they are made.
//   I1. Of what nobody watches no report is made.
//   Should XState name its door otherwise one day, everything still works, and costs that tenth.

import type { Happened, RootActor } from './actor.ts'

/** Also asked of what nobody wants in the end: it must be quick. */
export type Wanted = (happened: Happened) => boolean

type Report = (happened: Happened) => void

/** Where XState's actors bring what happens to them; not in its types. */
interface System {
  _sendInspectionEvent?: Report
}

/** Who asked, in each system that is listened to. */
const asked = new WeakMap<System, Set<Wanted>>()

/** Tells what is wanted until the function that it returns is called. Nobody else may inspect the system meanwhile. */
export function listenTo({ system }: RootActor, wanted: Wanted, tell: Report): () => void {
  const door = system as System // It has one, or none under this name: both are answered.
  const everybody = asked.get(door) ?? guarded(door)
  everybody.add(wanted)
  const hook = system.inspect((happened) => {
    if (wanted(happened)) tell(happened)
  })
  return () => {
    hook.unsubscribe()
    everybody.delete(wanted)
  }
}

/** Once for each system: a door that is passed by what somebody wants; by everything when nobody of ours is left. */
function guarded(door: System): Set<Wanted> {
  const everybody = new Set<Wanted>()
  asked.set(door, everybody)
  const { _sendInspectionEvent: report } = door
  if (report !== undefined) {
    door._sendInspectionEvent = (happened) => {
      if (everybody.size === 0) return report(happened)
      for (const wanted of everybody) if (wanted(happened)) return report(happened)
    }
  }
  return everybody
}
