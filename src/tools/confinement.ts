// Confinement: how a command is run so that it sees little, and so that nothing of it outlives its call.
//   `namespaces` (Linux, util-linux): the command has process ids, /proc and mounts of its own. It does not see the gateway,
//   its environment, the configuration or the data folder, but for its own working folder; and when its first process ends,
//   the kernel ends all the others, also those that made themselves daemons. A gateway that is killed takes it along.
//   `group`: where the system does not give that (many containers do not): a process group of its own, and a mark in the
//   environment by which strays are found (strays.ts). What the gateway's user may read, the command may read.

import type { World } from '../world.ts'
import { runChild } from './child.ts'
import type { Groups } from './groups.ts'

export type Confinement = 'namespaces' | 'group'

export interface Confined {
  readonly confinement: Confinement
  /** The whole command line for a program and its arguments. */
  wrap(program: readonly string[]): readonly string[]
}

export interface ConfinementParts {
  readonly workdir: string
  /** Files and folders that are not to be seen. */
  readonly hidden: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly groups: Groups
  readonly world: World
  readonly signal: AbortSignal
}

/** The closest confinement that this system gives; asks it by running nothing in each. */
export async function confinementOf(parts: ConfinementParts): Promise<Confined> {
  for (const prefix of [WITH_RIGHTS, WITHOUT_RIGHTS]) {
    const wrap = (program: readonly string[]) => inNamespaces(prefix, parts, program)
    if (await works(wrap, parts)) return { confinement: 'namespaces', wrap }
  }
  // A gateway that is killed then leaves at most the processes below the first; the next one ends them (left-groups.ts).
  const last = ['setpriv', '--pdeathsig', 'KILL']
  const withSignal = (program: readonly string[]) => [...last, ...PLAIN, ...program]
  if (await works(withSignal, parts)) return { confinement: 'group', wrap: withSignal }
  return { confinement: 'group', wrap: (program) => [...PLAIN, ...program] }
}

/** How to get namespaces, and how to give up afterwards what was needed for it. */
interface Prefix {
  readonly unshare: readonly string[]
  readonly give: readonly string[]
}

const UNSHARE = ['setpriv', '--pdeathsig', 'KILL', 'unshare']
const OWN = ['--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']

/** What could take the hidden places back, or reach past them. */
const REACHING = '-sys_admin,-sys_ptrace,-sys_module,-sys_rawio,-sys_boot,-mknod,-dac_read_search'

/** For root. */
const WITH_RIGHTS: Prefix = {
  unshare: [...UNSHARE, ...OWN],
  give: ['setpriv', '--inh-caps', REACHING, '--bounding-set', REACHING],
}

/** For everybody else, where the system lets users have namespaces. */
const WITHOUT_RIGHTS: Prefix = {
  unshare: [...UNSHARE, '--user', '--map-current-user', '--keep-caps', ...OWN],
  give: ['setpriv', '--ambient-caps', '-all', '--inh-caps', '-all', '--bounding-set', '-all'],
}

/**
 * Hides what is to be hidden, keeps the working folder in sight, and runs the program as a child: the first process of a
 * namespace takes no SIGTERM, and the program should.
 */
const HIDE = `set -e
cd "$1"; exec 3<.; workdir=$1; shift
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs -o mode=0755,size=64k none "$1"
  elif [ -e "$1" ]; then mount --bind /dev/null "$1"; fi
  shift
done
shift
if ! [ "$workdir" -ef /proc/self/fd/3 ]; then
  mkdir -p "$workdir"
  mount --no-canonicalize --bind /proc/self/fd/3 "$workdir"
fi
exec 3<&-
cd "$workdir"
set +e
"$@"
exit $?`

/** Under want of memory the kernel ends this first and never the gateway; the gateway gets the processor first. */
const LAST = `echo 1000 2>/dev/null >/proc/self/oom_score_adj
ulimit -c 0
(ulimit -u 4096) 2>/dev/null && ulimit -u 4096
exec nice -n 5 "$@" 2>&1`

const PLAIN = ['sh', '-c', LAST, 'sh']

function inNamespaces(prefix: Prefix, { workdir, hidden }: ConfinementParts, program: readonly string[]) {
  return [...prefix.unshare, 'sh', '-c', HIDE, 'sh', workdir, ...hidden, '--', ...prefix.give, ...PLAIN, ...program]
}

/** Long enough for a loaded machine; it takes some milliseconds. */
const PROBE_MS_MAX = 5_000

async function works(
  wrap: Confined['wrap'],
  { workdir, environment, groups, world, signal }: ConfinementParts,
): Promise<boolean> {
  const argv = wrap(['true'])
  const limits = { timeMs: PROBE_MS_MAX, bytesMax: 64 * 1024, keptBytes: 1_024 }
  const asked = { groups, what: 'a look at what this system gives', strays: 'none' } as const
  const ended = await runChild({ argv, workdir, environment, world, signal, limits, ...asked })
  return ended.how === 'exited' && ended.code === 0
}
