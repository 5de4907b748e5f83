// Runs over: which folders of runs the end of an earlier process left behind, at the moment between the end of a turn and the removal of
// its folder. A turn of which something is unfinished goes on, and finds its folder.
//   A channel that is not in the file any more keeps what it has, for it goes on when it is put back; unless its name looks like the
//   beginning of another one's, which nobody can tell by the name of a folder.

import type { GatewayDefinition } from '../../machines/definitions.ts'
import { RECOVERY_BATCH } from '../../machines/limits.ts'
import { turnIdOf } from '../../machines/steps.ts'
import type { Store } from '../store/store.ts'
import { runFolderName, runFolderPrefix } from '../tools/workdir.ts'

export async function runsOver(
  store: Pick<Store, 'unfinished'>,
  { channels }: Pick<GatewayDefinition, 'channels'>,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const isOf = (name: string, channel: string): boolean => name.startsWith(runFolderPrefix(channel))
  const asked = Object.keys(channels).filter((channel) => names.some((name) => isOf(name, channel)))
  const over = new Set(names.filter((name) => asked.some((channel) => isOf(name, channel))))
  for (const channel of asked) for (const name of await wanted(store, channel)) over.delete(name)
  return over
}

/** The folders that a channel's unfinished messages may go on in. */
async function wanted(store: Pick<Store, 'unfinished'>, channel: string): Promise<string[]> {
  const names: string[] = []
  for (let after = 0; ; ) {
    const messages = await store.unfinished(channel, after, RECOVERY_BATCH)
    for (const message of messages) names.push(runFolderName({ session: message.sessionKey, turn: turnIdOf(message) }))
    const last = messages.at(-1)
    if (last === undefined) return names
    after = last.seq
  }
}
