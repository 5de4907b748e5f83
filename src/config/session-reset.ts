// Session reset: when a channel's conversations begin anew: keys that do nothing in the chosen mode, and time zones that exist.

import type { ResetPolicy } from '../../machines/definitions.ts'
import { machineTimeZone } from '../world.ts'
import type { ChannelKeys } from './platform.ts'
import { suggestion } from './problems.ts'
import { entriesOf, type Finding, keySpan, quoted, spanAt, textOf, type Tree, valueOf } from './tree.ts'

const WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  idle: ['at_hour', 'time_zone'],
  daily: ['idle_minutes'],
}

export function resetFindings(root: Tree): Finding[] {
  return entriesOf(valueOf(root, 'channels')).flatMap(([id, { value: channel }]) => {
    const reset = valueOf(valueOf(channel, 'session'), 'reset')
    const mode = textOf(valueOf(reset, 'mode')) ?? ''
    const path = ['channels', id, 'session', 'reset']
    const idle = (new Map(Object.entries(WITHOUT_EFFECT)).get(mode) ?? []).filter(
      (key) => valueOf(reset, key) !== undefined,
    )
    const zone = textOf(valueOf(reset, 'time_zone'))
    const zonePath = [...path, 'time_zone']
    const message = timeZoneMistake(zone)
    const mistake = message === null ? [] : [{ span: spanAt(root, zonePath), path: zonePath, message }]
    return [
      ...idle.map((key): Finding => {
        const at = [...path, key]
        return { span: keySpan(root, at) ?? spanAt(root, at), path: at, message: `has no effect with mode: ${mode}` }
      }),
      ...mistake,
    ]
  })
}

export function resetPolicy(keys: ChannelKeys | null): ResetPolicy | null {
  const reset = keys?.session?.reset
  if (reset === undefined) return null
  const { mode, idle_minutes, at_hour: atHour, time_zone: timeZone = machineTimeZone() } = reset
  return {
    idleMs: mode === 'daily' ? null : idle_minutes * 60_000,
    daily: mode === 'idle' ? null : { atHour, timeZone },
  }
}

/** null: there is such a zone, or nothing to judge. */
export function timeZoneMistake(zone: string | null): string | null {
  if (zone === null || zone === '' || isTimeZone(zone)) return null
  const near = suggestion(zone, Intl.supportedValuesOf('timeZone'))
  return `unknown time zone ${quoted(zone)}: expected a name such as Europe/Berlin${near}`
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name }).format(0)
    return true
  } catch {
    return false
  }
}
