// Secret places: where in a file a secret may stand. There and nowhere else a value is read as its reference (A3).

import type { Path } from './tree.ts'

/** Whether a secret stands at this path. */
export function isSecret(path: Path): boolean {
  const [section, , third] = path
  if (section === 'gateway') return path.length === 2 && path[1] === 'token'
  if (section === 'channels') return path.length === 3 && third === 'token'
  if (section !== 'agents' || path.at(-1) !== 'api_key') return false
  return path.length === 4
    ? third === 'model' || third === 'transcription'
    : path.length === 5 && third === 'fallback_models'
}
