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

interface Asked {
  readonly wanted: Set<Wanted>
  readonly notices: Set<Report>
}

/** Who asked, in each system that is listened to. */
const asked = new WeakMap<System, Asked>()

/** Tells what is wanted until the function that it returns is called. Nobody else may inspect the system meanwhile. */
export function listenTo({ system }: RootActor, wanted: Wanted, tell: Report): () => void {
  const door = system as System // It has one, or none under this name: both are answered.
  const everybody = (asked.get(door) ?? guarded(door)).wanted
  everybody.add(wanted)
  const hook = system.inspect((happened) => {
    if (wanted(happened)) tell(happened)
  })
  return () => {
    hook.unsubscribe()
    everybody.delete(wanted)
  }
}

/** Shows `look` everything that happens, before any report of it is made: it must be quick, and keep nothing of what it sees. */
export function noticeAll({ system }: RootActor, look: Report): void {
  const door = system as System // As above.
  const { notices } = asked.get(door) ?? guarded(door)
  if (door._sendInspectionEvent === undefined) system.inspect(look)
  else notices.add(look)
}

/** Once for each system: a door that is passed by what somebody wants; by everything when nobody of ours is left. */
function guarded(door: System): Asked {
  const everybody: Asked = { wanted: new Set(), notices: new Set() }
  asked.set(door, everybody)
  const { wanted, notices } = everybody
  const { _sendInspectionEvent: report } = door
  if (report !== undefined) {
    door._sendInspectionEvent = (happened) => {
      for (const look of notices) look(happened)
      if (wanted.size === 0) return report(happened)
      for (const wants of wanted) if (wants(happened)) return report(happened)
    }
  }
  return everybody
}
