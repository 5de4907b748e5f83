// Broken: gateways that keep something by mistake, each a module that is loaded before the program. A soak must find every one.

export const BROKEN: Readonly<Record<string, string>> = {
  'a gateway that remembers each request': withEachRequest('kept.push(new Array(60_000).fill(kept.length))'),
  'a gateway that leaves a file open': withEachRequest("kept.push(fs.openSync('/dev/null'))"),
  'a gateway that leaves a process': withEachRequest(
    "if (kept.push(0) % 20 === 0) childProcess.spawn('sleep', ['30'], { stdio: 'ignore' })",
  ),
}

/** For Node, before the binary. */
export function flagsOf(name: string): string[] {
  return ['--import', `data:text/javascript,${encodeURIComponent(BROKEN[name] ?? '')}`]
}

function withEachRequest(statement: string): string {
  return `
    import childProcess from 'node:child_process'
    import fs from 'node:fs'
    import { Server } from 'node:http'
    const kept = []
    const { emit } = Server.prototype
    Server.prototype.emit = function (name, ...rest) {
      if (name === 'request') { ${statement} }
      return emit.call(this, name, ...rest)
    }`
}
