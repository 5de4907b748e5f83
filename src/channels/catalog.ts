// Catalogue: every platform that a channel may name. Nothing of a platform is loaded before a channel of it starts.

import type { Platform } from './adapter.ts'

export const platforms: Readonly<Record<string, Platform>> = {
  telegram: {
    name: 'telegram',
    journaled: false,
    load: async () => (await import('./telegram.ts')).createTelegramAdapter,
  },
  web: {
    name: 'web',
    journaled: true,
    load: async () => (await import('./web.ts')).createWebAdapter,
  },
  /** Whatever platform the user's own module speaks to. */
  module: {
    name: 'module',
    journaled: false,
    load: async () => (await import('./module.ts')).createModuleAdapter,
  },
  /** Of the channel that the gateway makes by itself; no file names it. */
  openai: {
    name: 'openai',
    journaled: false,
    load: async () => (await import('./openai.ts')).createOpenAiAdapter,
  },
}
