// Secret places: where in a file a secret may stand. There and nowhere else a value is read as its reference (A3).

import type { Path } from './tree.ts'

/** Whether a secret stands at this path. */
export function isSecret(path: Path): boolean {
  const [section, , third] = path
  if (section === 'gateway') return path.length === 2 && path[1] === 'token'
  if (section === 'channels') return path.length === 3 && third === 'token'
  if (isOfMcp(path)) return isMcpSecret(path)
  if (section !== 'agents' || path.at(-1) !== 'api_key') return false
  return path.length === 4
    ? third === 'model' || third === 'transcription'
    : path.length === 5 && (third === 'fallback_models' || (third === 'vision' && path[3] === 'describe_with'))
}

/** Whatever an MCP server is started or reached with may hold one. */
function isMcpSecret(path: Path): boolean {
  const [, , , , key] = path
  if (path.length === 5) return key === 'url'
  return path.length === 6 && (key === 'args' || key === 'env' || key === 'headers')
}

export function isOfMcp(path: Path): boolean {
  return path[0] === 'agents' && path[2] === 'mcp'
}

/** Whether what stands there is kept out of definitions, and need not be a secret: an argument may be an ordinary word. */
export function isPerhapsSecret(path: Path): boolean {
  return isOfMcp(path) && path[4] !== 'headers'
}
