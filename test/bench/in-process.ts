// In process: the measurements that start no processes. Each is made in a child of its own, see child-measure.ts.

import { measureInspect } from './inspect.ts'
import { measureMcp } from './mcp.ts'
import { measureMemory } from './memory.ts'
import { measureObserve } from './observe.ts'
import type { Measure } from './report.ts'
import { measureSessions } from './sessions.ts'
import { measureStore } from './store.ts'
import { measureTools } from './tools.ts'
import { measureUsage } from './usage.ts'
import { measureWaiting } from './waiting.ts'
import { measureWorkdirs } from './workdirs.ts'

export const IN_PROCESS = {
  sessions: (options) => measureSessions(options),
  waiting: (options) => measureWaiting(options),
  memory: (options) => measureMemory(options),
  inspect: (options) => measureInspect(options),
  observe: (options) => measureObserve(options),
  tools: (options) => measureTools(options),
  workdirs: (options) => measureWorkdirs(options),
  store: (options) => measureStore(options),
  usage: (options) => measureUsage(options),
  mcp: (options) => measureMcp(options),
} satisfies Readonly<Record<string, Measure>>

export function isInProcess(name: string): name is keyof typeof IN_PROCESS {
  return name in IN_PROCESS
}
