// Module in gateway.yaml: a channel whose platform a module of the user's own speaks to. The module says what its settings mean.

import { resolve } from 'node:path'
import { MODULE, missingModule } from './module-files.ts'
import { secret, text, z } from './kinds.ts'
import { type ChannelKeys, channelShape, outsideShape, type PlatformKeys } from './platform.ts'
import { entriesOf, type Finding, quoted, spanAt, textOf, type Tree, valueOf } from './tree.ts'

const PATH = 'expected the path of a module such as ./channels/lines.ts'
const SETTING = 'expected a text, a number, or true or false'

export const module = {
  schema: z.strictObject({
    platform: z.literal('module').describe('A channel of your own: a module that speaks to its platform.'),
    ...channelShape,
    ...outsideShape,
    module: text(PATH).describe(
      'The module, which is written with troupe/channel; a relative path begins beside this file.',
    ),
    settings: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()], { error: SETTING }))
      .prefault({})
      .describe('What the module is given, whatever it takes: an address, a nickname. No secrets.'),
    token: secret('a token')
      .optional()
      .describe('The one secret that the module is given. Best given as a variable: ${LINES_TOKEN}.'),
  }),
  withoutEffect: { api_root: 'has no effect on a channel of a module: what it needs stands in settings' },
  isOnPort: false,
  personOf: (person: string) => ({ user: person }),
  conversation: null,
  token: null,
  usualRoot: '',
} as const satisfies PlatformKeys

/** null: its platform is built in. */
export function modulePath(keys: ChannelKeys | null, folder: string): string | null {
  return keys?.module === undefined ? null : resolve(folder, keys.module)
}

/** Modules that are not there. */
export function moduleFindings(root: Tree, folder: string): Finding[] {
  return entriesOf(valueOf(root, 'channels')).flatMap(([id, { value: channel }]) => {
    const given = textOf(valueOf(channel, 'platform')) === 'module' ? textOf(valueOf(channel, 'module')) : null
    if (given === null || given === '') return []
    const form = MODULE.test(given) ? null : `expected a module that ends in .ts or .js, found ${quoted(given)}`
    const message = form ?? missingModule(given, folder)
    const path = ['channels', id, 'module']
    return message === null ? [] : [{ span: spanAt(root, path), path, message, wholeFile: true }]
  })
}
