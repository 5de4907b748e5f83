// Adapter parts: what an adapter under test is built from. Its journal is a list, and nothing of it is on a disk.

import type { ChannelDefinition } from '../../machines/definitions.ts'
import type { AdapterParts, Journal, JournalEntry } from '../../src/channels/adapter.ts'
import { testChannel } from './house.ts'
import { testUploads } from './uploads.ts'
import { silentLog, testWorld } from './world.ts'

export interface GivenParts extends Partial<Omit<AdapterParts, 'definition'>> {
  /** What the channel has in gateway.yaml beyond the defaults. */
  readonly definition?: Partial<ChannelDefinition>
}

/** Everything that is not given is the tests' own: a world whose time stands still, a log that is silent, the secret `secret`. */
export function adapterParts({ definition = {}, ...given }: GivenParts = {}): AdapterParts {
  return {
    definition: testChannel(definition.id ?? 'test', definition),
    secret: () => 'secret',
    journal: listJournal(),
    uploads: testUploads(),
    world: testWorld(),
    log: silentLog,
    ...given,
  }
}

function listJournal(): Journal {
  const entries: (JournalEntry & { readonly conversation: string; readonly of: string })[] = []
  return {
    async append({ conversation, text, outboxId, part }) {
      const of = `${outboxId}/${part}`
      const known = entries.find((entry) => entry.of === of)
      if (known !== undefined) return known.id
      entries.push({ id: entries.length + 1, role: 'assistant', text, conversation, of })
      return entries.length
    },
    after: async (conversation, after, limit) =>
      entries.filter((entry) => entry.conversation === conversation && entry.id > after).slice(0, limit),
  }
}
