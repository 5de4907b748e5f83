// Live: what the actors of one process share besides the disk. Empty at its start, gone with its end.

import { FolderUses } from '../actors/folders.ts'
import { Meters } from '../actors/meters.ts'
import type { Parts } from '../actors/parts.ts'
import { Said } from '../actors/said.ts'

type Live = Pick<Parts, 'adapters' | 'said' | 'meters' | 'toolboxes' | 'folderUses' | 'asked'>

export function liveParts(): Live {
  return {
    adapters: new Map(),
    said: new Said(),
    meters: new Meters(),
    toolboxes: new Map(),
    folderUses: new FolderUses(),
    asked: new Map(),
  }
}
