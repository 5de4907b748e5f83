// Tools at the start: what every run finds its tools, its files and its notes with, and what they must not see or say.
//   The code of a folder is loaded by the first that needs one.

import type { Parts } from '../actors/parts.ts'
import type { Loaded } from '../config/load.ts'
import type { Store } from '../store/store.ts'
import { toolBuilder } from '../tools/catalog.ts'
import type { Groups } from '../tools/groups.ts'
import { hiddenFromTools } from './needs.ts'

export interface ToolPartsOptions {
  readonly loaded: Loaded
  readonly store: Store
  /** The data folder, absolute. */
  readonly data: string
  readonly groups: Groups
}

type ToolParts = Pick<Parts, 'buildTools' | 'openReceived' | 'clearFolder' | 'notes'>

export function toolParts({ loaded, store, data, groups }: ToolPartsOptions): ToolParts {
  const hidden = hiddenFromTools(loaded.file, data)
  return {
    buildTools: toolBuilder({ redact: (text) => loaded.secrets.redact(text), hidden, groups }),
    openReceived: async (given) => (await import('../tools/received.ts')).receivedOpener(hidden)(given),
    clearFolder: async (of) => (await import('../tools/cleared.ts')).clearFolder(of),
    notes: {
      list: (agent, user) => store.notes(agent, user),
      add: (agent, user, text) => store.addNote(agent, user, text),
      remove: (agent, user, number) => store.removeNote(agent, user, number),
    },
  }
}
