// Origins: which web pages from elsewhere may ask. Each is named as a browser names it, because it is compared with what a browser says.

import { platformNamed } from './platforms.ts'
import {
  described,
  entriesOf,
  type Finding,
  isOpen,
  nodeAt,
  type Path,
  type Tree,
  type TreeScalar,
  textOf,
  valueOf,
} from './tree.ts'

export const ORIGIN =
  'an origin: a scheme, a host and, unless it is the usual one, a port, such as https://chat.example'

const KEY: Path = ['gateway', 'allowed_origins']

export function originFindings(root: Tree): Finding[] {
  const list = nodeAt(root, KEY)
  if (list?.kind !== 'list' || list.items.length === 0) return []
  const mistakes = list.items.flatMap((item, index): Finding[] => {
    const message = item.kind === 'scalar' ? mistakeIn(item) : null
    return message === null ? [] : [{ span: item, path: [...KEY, index], message }]
  })
  return isOfUse(root) ? mistakes : [...mistakes, { span: list, path: KEY, message: WITHOUT_EFFECT, wholeFile: true }]
}

const WITHOUT_EFFECT = 'has no effect: openai_api is false, and no channel is one that a web page could use'

function mistakeIn(item: TreeScalar): string | null {
  const text = textOf(item)
  if (text === null || text === '' || isOrigin(text)) return null
  if (text === '*') return 'expected each origin by its name: with "*" any web page at all could talk to the agents'
  // Not shown: what stands before the sign may be a password.
  if (text.includes('@')) return 'expected an origin without a user name or password'
  const { protocol, origin } = URL.parse(text) ?? { protocol: '', origin: '' }
  const near = /^https?:$/.test(protocol) && item.variables.length === 0 ? ` (did you mean "${origin}"?)` : ''
  return `expected ${ORIGIN}, found ${described(item)}${near}`
}

/** Pages of an application on somebody's machine have a scheme of its own. A page that is a file has none that could be named. */
function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text)) return URL.parse(text)?.origin === text
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/.test(text)
}

/** Whether anything takes requests of other pages; a channel whose platform is not known may. */
function isOfUse(root: Tree): boolean {
  const api = nodeAt(root, ['gateway', 'openai_api'])
  if (isOpen(api) || api?.kind !== 'scalar' || api.value !== false) return true
  const channels = entriesOf(valueOf(root, 'channels'))
  return channels.some(([, { value }]) => platformNamed(textOf(valueOf(value, 'platform')))?.isOnPort ?? true)
}
