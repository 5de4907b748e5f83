// Cleared: what a turn leaves in its work folder, removed: the folder of a run whole; in one that stays, what was made for the turn alone.
//   Nothing is made, and nothing is removed through a link.

import { rm } from 'node:fs/promises'
import { usesFolder } from '../../machines/tool-names.ts'
import { removeDrafts } from './received.ts'
import { temporaryIn } from './shell.ts'
import type { ClearFolder } from './tool.ts'
import { removeRunFolder, standingFolder } from './workdir.ts'

export const clearFolder: ClearFolder = async (of) => {
  const { definition, seqs } = of
  const { tools, workdir } = definition
  const hasFolder = tools.some(usesFolder)
  if (hasFolder && workdir === 'per_run') return removeRunFolder(of)
  const root = await standingFolder(hasFolder ? of : { ...of, definition: { ...definition, workdir: 'per_session' } })
  if (root === null) return
  if (tools.includes('shell')) await rm(temporaryIn(root, of), { recursive: true, force: true })
  await removeDrafts(root, seqs)
}
