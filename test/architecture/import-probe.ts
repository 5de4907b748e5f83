// Import probe: run in a process of its own with module paths as arguments. Imports each in turn and prints, as JSON, what
// happened besides: handles and timers opened, files read or left open, questions to the machine, handlers put on the process,
// environment variables read.
//   What Node does to load a module is not counted; what a library reads while it loads is the library's own affair,
//   what it opens is ours.

import { createHook } from 'node:async_hooks'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './project.ts'
import type { Finding } from './rule.ts'

/** Resources that wait for something or hold something open; promises, ticks and file reads come and go with any import. */
const LASTING =
  /^(Timeout|TCPSERVERWRAP|TCPWRAP|UDPWRAP|PIPEWRAP|PIPESERVERWRAP|PROCESSWRAP|SIGNALWRAP|FSEVENTWRAP|STATWATCHER|WORKER|MESSAGEPORT|GETADDRINFOREQWRAP|TTYWRAP|HTTPCLIENTREQUEST)$/

// Node opens its standard streams at their first use; whoever uses them first has opened nothing of his own.
for (const stream of [process.stdin, process.stdout, process.stderr]) stream.fd.toFixed()

const events: string[] = []
createHook({ init: (_, type) => void (LASTING.test(type) && events.push(`opens a ${type}`)) }).enable()

process.env = new Proxy(process.env, {
  get: (target, name) => (noteUse(`reads the environment (${String(name)})`), target[String(name)]),
  has: (target, name) => (noteUse(`reads the environment (${String(name)})`), name in target),
  ownKeys: (target) => (noteUse('reads the environment (everything)'), Reflect.ownKeys(target)),
})

// Before the modules of Node are watched: the looks of this file are not theirs.
const { existsSync, readdirSync } = fs
watch('fs', fs)
watch('fs/promises', fs.promises)
watch('os', os)
syncBuiltinESMExports()

const findings: Finding[] = []
for (const path of process.argv.slice(2)) {
  const before = tally()
  events.length = 0
  await import(pathToFileURL(join(ROOT, path)).href)
  // What a module starts without waiting for it shows a turn later.
  await new Promise((resolve) => setImmediate(resolve))
  const grown = Object.entries(tally()).filter(([what, count]) => count > (before[what] ?? 0))
  for (const what of new Set([...events, ...grown.map(([kind]) => `leaves ${kind} behind`)])) {
    findings.push({ path, line: 1, what })
  }
}
console.log(JSON.stringify(findings))
process.exit(0)

function tally(): Readonly<Record<string, number>> {
  const active = process.getActiveResourcesInfo().filter((type) => type !== 'Immediate')
  const handlers = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  // On Linux the open files of a process can be listed; elsewhere this one look is left out.
  const files = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
  return { 'active resources': active.length, 'handlers on the process': handlers, 'open files': files }
}

/** Every function of a module of Node says who called it. */
function watch(module: string, functions: Record<string, unknown>): void {
  for (const [name, original] of Object.entries(functions)) {
    // Classes keep their names in capitals, and are called by Node itself.
    if (typeof original !== 'function' || /^[A-Z]/.test(name)) continue
    const watched = function (this: unknown, ...given: unknown[]): unknown {
      noteUse(`asks the machine (${module}.${name})`)
      return Reflect.apply(original, this, given)
    }
    functions[name] = Object.assign(watched, original)
  }
}

/** Notes something when the code that does it is ours and not a library's or Node's. */
function noteUse(what: string): void {
  // Above this function stands what stood in for the original, and above that its caller.
  const caller = new Error().stack?.split('\n')[3] ?? ''
  const isOurs = caller.includes('file:') && !caller.includes(`${sep}node_modules${sep}`)
  if (isOurs) events.push(what)
}
