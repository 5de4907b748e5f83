// Module files: modules of the user's own, looked for beside the file that names them. No code of theirs is run here.

import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { suggestion } from './problems.ts'
import { quoted } from './tree.ts'

export const MODULE = /\.[cm]?[jt]s$/

/** Why a path leads to no file, with the nearest one that there is; null: it leads to one. */
export function missingModule(text: string, folder: string): string | null {
  if (/^~(\/|$)/.test(text)) return 'the sign ~ is not replaced here: write ${HOME} instead'
  const path = resolve(folder, text)
  return isFile(path) ? null : `there is no file ${quoted(text)}${neighbour(text, path)}`
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** The nearest file of the same folder. */
function neighbour(text: string, path: string): string {
  try {
    const files = readdirSync(dirname(path)).filter((name) => MODULE.test(name))
    const near = suggestion(basename(path), files)
    return near.replace(/"(.*)"/, (_, name: string) => `"${text.slice(0, text.lastIndexOf('/') + 1)}${name}"`)
  } catch {
    return ''
  }
}
