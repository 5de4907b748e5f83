// Platforms: what a channel of gateway.yaml may be. A new platform is a file beside this one and a line here, and its adapter with its
// line in src/channels/catalog.ts.

import type { PlatformKeys } from './platform.ts'
import { module } from './platform-module.ts'
import { telegram } from './platform-telegram.ts'
import { web } from './platform-web.ts'

/** In the order in which they are listed to people. */
export const platforms: ReadonlyMap<string, PlatformKeys> = new Map(Object.entries({ telegram, web, module }))

export const PLATFORMS: readonly string[] = [...platforms.keys()]

/** null: there is none of this name, or its name is not known. */
export function platformNamed(name: string | null): PlatformKeys | null {
  return platforms.get(name ?? '') ?? null
}
