// Secret places: where in a file a secret may stand. There and nowhere else a value is read as its reference (A3).

import type { Path } from './tree.ts'

/** Whether a secret stands at this path. */
export function isSecret(path: Path): boolean {
  const [section, , third, fourth] = path
  if (section === 'gateway') return path.length === 2 && path[1] === 'token'
  if (section === 'channels') return path.length === 3 && third === 'token'
  return section === 'agents' && path.length === 4 && third === 'model' && fourth === 'api_key'
}
