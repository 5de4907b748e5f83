// Parts: what the effects of the actors are made of: the implementations that this program has, what survives the process, and what its
// actors share besides the disk. Nothing of it runs yet.

import { FolderUses } from '../actors/folders.ts'
import { Meters } from '../actors/meters.ts'
import type { Parts } from '../actors/parts.ts'
import { Said } from '../actors/said.ts'
import { buildAgent } from '../agents/catalog.ts'
import { buildDescription } from '../agents/description.ts'
import { buildTranscription } from '../agents/transcription.ts'
import { platforms } from '../channels/catalog.ts'
import { cronTimes } from '../config/cron.ts'
import type { Loaded } from '../config/load.ts'
import type { Board } from './board.ts'
import { tellingWaiting } from './completions.ts'
import type { Kept } from './kept.ts'
import type { McpTrials } from './mcp-trials.ts'
import { secretFrom } from './secret.ts'
import { toolParts } from './tools.ts'

export interface PartsOptions extends Kept, Pick<Parts, 'definition' | 'tokens' | 'observe' | 'world' | 'log'> {
  readonly loaded: Loaded
  readonly board: Board
  readonly mcp: McpTrials
}

export function partsOf(options: PartsOptions): Parts {
  const { definition, loaded, board, store, groups } = options
  const live = liveParts()
  return {
    definition,
    secret: secretFrom(loaded),
    tokens: options.tokens,
    store: tellingWaiting(store, live.adapters),
    uploads: options.uploads,
    ...live,
    platforms,
    buildAgent,
    buildTranscription,
    buildDescription,
    ...toolParts({ loaded, store, data: definition.gateway.data, groups }),
    runMcp: options.mcp.run,
    hooks: options.hooking.hooks,
    cronTimes,
    world: options.world,
    log: options.log,
    observe: options.observe,
    onReport: board.onReport,
    onRollCall: board.onRollCall,
    onAnswer: board.onAnswer,
  }
}

/** Empty at the start of the process, gone with its end. */
function liveParts(): Pick<Parts, 'adapters' | 'said' | 'meters' | 'toolboxes' | 'folderUses' | 'asked'> {
  return {
    adapters: new Map(),
    said: new Said(),
    meters: new Meters(),
    toolboxes: new Map(),
    folderUses: new FolderUses(),
    asked: new Map(),
  }
}
