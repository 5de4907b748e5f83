// Web in gateway.yaml: the keys of a channel on the gateway's own port.

import { z } from './kinds.ts'
import { channelShape, type PlatformKeys, routeDefault, strangers } from './platform.ts'

export const web = {
  schema: z.strictObject({
    platform: z.literal('web').describe("A channel on the gateway's own port and console page."),
    ...channelShape,
    routes: z.strictObject({ default: routeDefault }).optional().describe('Agents by kind of conversation.'),
    unknown_user_policy: strangers
      .optional()
      .describe(
        'Somebody who is not in allowed_users. Default: deny when allowed_users is given; otherwise allow, for the port lets people in.',
      ),
  }),
  withoutEffect: {
    module: 'has no effect on a web channel: set platform: module for a channel of your own',
    settings: 'has no effect on a web channel: set platform: module for a channel of your own',
    token: 'has no effect on a web channel: its visitors are let in by gateway.token',
    api_root: 'has no effect on a web channel: it is served by the gateway itself',
    group_policy: 'has no effect on a web channel: it has no groups',
    'routes.dm': 'has no effect on a web channel: all its conversations are direct; use default',
    'routes.group': 'has no effect on a web channel: it has no groups',
  },
  isOnPort: true,
  personOf: (text: string) => ({ user: text }),
  conversation: null,
  token: null,
  usualRoot: '',
} as const satisfies PlatformKeys
