// Kept: what survives the process, opened in its order, and what looks after it: the store, the files that wait for their turns, the
// process groups that tools began, and the hooks that are told of what becomes of it all.

import type { GatewayDefinition } from '../../machines/definitions.ts'
import type { Loaded } from '../config/load.ts'
import type { Log } from '../log.ts'
import type { Holder } from '../store/failures.ts'
import { openStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { openUploads, type Uploads } from '../store/uploads.ts'
import { type Groups, recordedGroups } from '../tools/groups.ts'
import { endLeftGroups } from '../tools/left-groups.ts'
import type { World } from '../world.ts'
import { clockWarning } from './clock.ts'
import { beginForgetting } from './forgetting.ts'
import { type GatewayHooks, openHooks } from './hooks.ts'
import { type Disk, watchDisk } from './disk.ts'
import type { Observing } from './observing.ts'
import type { Phases } from './phases.ts'
import { beginSweeping } from './sweeping.ts'

export interface Kept {
  readonly store: Store
  readonly disk: Pick<Disk, 'trouble'>
  readonly uploads: Uploads
  readonly hooking: GatewayHooks
  readonly groups: Groups
}

export interface Keeping {
  readonly loaded: Loaded
  readonly world: World
  readonly log: Log
  readonly phases: Phases
  readonly observing: Observing
  /** What the file says, as far as it is known to hold on this machine. */
  readonly definition: GatewayDefinition
  readonly holder: Holder
  /** Gets what closes each of them. */
  readonly opened: AsyncDisposableStack
}

export async function openKept(keeping: Keeping): Promise<Kept> {
  const { loaded, world, log, phases, observing, definition, holder, opened } = keeping
  const { data, workdirKeepMs: keepMs } = definition.gateway
  const disk = watchDisk({ world, log })
  const open = (observed: (ms: number) => void) => {
    const onCommit = (ms: number): void => {
      observed(ms)
      disk.written()
    }
    return openStore({ folder: data, holder, world, onCommit, onFailure: disk.failed })
  }
  const bare = await phases.attempt('store', () => observing.store(open))
  opened.defer(() => bare.close())
  const uploads = await openUploads({ folder: data, world })
  const forgetter = beginForgetting({ store: bare, data, world, log })
  opened.defer(() => forgetter.end())
  opened.defer(beginSweeping({ uploads, store: bare, keepMs, world, log }))
  // Nothing of an earlier gateway works on what this one is about to take up.
  await endLeftGroups({ data, world, log })
  const groups = recordedGroups(data, log)
  const hooking = openHooks({ file: loaded.file, observe: observing.observe, groups, world, log })
  opened.defer(() => hooking.close())
  await tendFolder(bare, keeping)
  phases.end('store')
  return { store: hooking.around(forgetter.store), disk, uploads, hooking, groups }
}

/** Work folders that nobody used for long go; one that cannot be removed is in nobody's way. */
async function tendFolder(store: Store, { definition, world, log }: Keeping): Promise<void> {
  const { data, workdirKeepMs: keepMs } = definition.gateway
  const warning = clockWarning(data, world.nowMs())
  if (warning !== null) log.warn({ phase: 'store' }, `store: ${warning}`)
  const { sweepWorkdirs } = await import('../tools/workdir.ts')
  const runsOver = async (names: readonly string[]) =>
    (await import('./runs-over.ts')).runsOver(store, definition, names)
  const { removed, failed } = await sweepWorkdirs({ data, keepMs, world, runsOver })
  if (removed + failed > 0) log.info({ removed, failed }, 'work folders that nobody used were removed')
}
