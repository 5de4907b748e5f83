// Shell: real commands in real processes, in both confinements: namespaces, and a process group where there are none. What is
// told of them, what they see, and that nothing of them is left, however they try. A shell that ends only its first process
// is caught by the same look.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { recordedGroups } from '../../src/tools/groups.ts'
import { HeadAndTail } from '../../src/tools/head-and-tail.ts'
import type { World } from '../../src/world.ts'
import { silentLog } from '../support/world.ts'
import { soon } from '../support/soon.ts'
import { bareFolder, processesWith } from '../support/processes.ts'
import { failureOf, hasNamespaces, type Opened, open, openIn, temporaryFolder, world } from './parts.ts'

let numbers = 0

/** A command line that runs for minutes and that no other process on this machine has. */
function long(): string {
  numbers += 1
  return `sleep 3${process.pid}.${numbers}`
}

/** A world in which a second is a tenth of one. */
function hurried(real: World): World {
  const clock = { ...real.clock, setTimeout: (fn: () => void, ms: number) => real.clock.setTimeout(fn, ms / 10) }
  return { ...real, clock }
}

/** Ends what a test left on purpose. */
function endLater(words: string): void {
  onTestFinished(() => {
    for (const pid of processesWith(words)) process.kill(pid, 'SIGKILL')
  })
}

/** A process that was killed is gone when the machine has come to it. */
function none(words: string, withinMs?: number): Promise<void> {
  return soon(() => expect(processesWith(words)).toEqual([]), withinMs)
}

const HAS_NAMESPACES = hasNamespaces()

describe.each(HAS_NAMESPACES ? ['namespaces', 'group'] : ['group'])('in a confinement by %s', (confinement) => {
  let bin: string
  let opened: Opened
  beforeAll(async () => {
    bin = bareFolder()
    const PATH = confinement === 'group' ? bin : (process.env['PATH'] ?? '')
    const hasty = hurried(world({ PATH, GATEWAY_SECRET: 'of-the-gateway' }))
    const groups = recordedGroups(join(bin, 'data'), silentLog)
    opened = await openIn(join(bin, 'data'), { tools: ['shell'] }, { world: hasty, groups })
  })
  afterAll(async () => {
    await opened.toolbox.close()
    rmSync(bin, { recursive: true })
  })
  const run = (command: string, input: object = {}): Promise<string> => opened.call('shell', { command, ...input })

  test('the output of both streams comes in order, with the exit code', async () => {
    expect(await run('echo one; echo two >&2; echo three; exit 3')).toBe('one\ntwo\nthree\n[exit code 3]')
    expect(await run('printf no-newline')).toBe('no-newline\n[exit code 0]')
    expect(await run('no-such-program')).toMatch(/not found\n\[exit code 127\]$/)
  })

  test('it works in the working folder, and has no input', async () => {
    expect(await run('pwd; cat; echo kept > a.txt')).toBe(`${opened.workdir}\n[exit code 0]`)
    expect(readFileSync(join(opened.workdir, 'a.txt'), 'utf8')).toBe('kept\n')
    expect(await run('cat a.txt; rm a.txt')).toBe('kept\n[exit code 0]')
  })

  test('its environment is its own', async () => {
    const variables = (await run('env')).split('\n').map((line) => line.split('=')[0])
    const shells = ['PWD', 'OLDPWD', 'SHLVL', '_', '[exit code 0]', 'TROUPE_CALL']
    expect(new Set(variables.filter((name) => !shells.includes(name ?? '')))).toEqual(
      new Set(['HOME', 'LANG', 'PATH', 'TERM', 'TMPDIR']),
    )
    const folder = opened.workdir
    expect(await run('echo $HOME; echo $TMPDIR')).toMatch(new RegExp(`^${folder}\\n${folder}/\\.tmp-\\w{16}\\n`))
  })

  test('at its time limit it is ended whole, also when it does not listen', async () => {
    const words = long()
    // Most of it is for a busy machine, on which a process takes its time to begin.
    const said = await run(`trap '' TERM; echo begun; ${words} & ${words}; ${words}`, { timeout_s: 8 })
    expect(said).toContain('begun\n')
    expect(said).toContain('[it took longer than 8 s and was ended]')
    await none(words)
  })

  test('when its run is ended it is ended at once, and says so only then', async () => {
    const words = long()
    const ending = new AbortController()
    const call = opened.call('shell', { command: `${words} & ${words}` }, { signal: ending.signal })
    while (processesWith(words).length < 2) await sleep(5)
    const began = performance.now()
    ending.abort()
    expect((await failureOf(call)).reason).toBe('cancelled')
    expect(performance.now() - began).toBeLessThan(10_000)
    await none(words)
  })

  test('what it leaves is ended with it, however it was left', async () => {
    const words = long()
    endLater(words)
    const leaving = [
      `${words} &`,
      `setsid ${words} &`,
      `(setsid sh -c '(setsid ${words} &) & exit' &) &`,
      `nohup ${words} >/dev/null 2>&1 &`,
      `setsid ${words} </dev/null >/dev/null 2>&1 &`,
      `for n in $(seq 30); do setsid ${words} & done`,
    ]
    expect(await run(`${leaving.join('\n')}\necho left`)).toMatch(/left\n\[exit code 0\]$/)
    await none(words)
  })

  test('a gigabyte of output is not kept, and ends it', async () => {
    const before = process.memoryUsage().rss
    const said = await run('head -c 1000000000 /dev/zero')
    expect(said).toContain('[it wrote more than 67108864 bytes and was ended]')
    expect(said.length).toBeLessThan(40_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
  })

  test('what a command needs for a moment is gone with the toolbox; what has ended is on record no longer', async () => {
    await run('echo $$ > $TMPDIR/a; echo $$ > b')
    await opened.toolbox.close()
    expect(readdirSync(opened.workdir)).toEqual(['b'])
    expect(readdirSync(join(bin, 'data/groups'))).toEqual([])
  })
})

describe.runIf(HAS_NAMESPACES)('in namespaces', () => {
  test('it sees no other process, and so not the environment of the gateway', async () => {
    const look = 'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep -c ^VITEST='
    const confined = await open({ tools: ['shell'] })
    expect(await confined.call('shell', { command: look })).toBe('0\n[exit code 1]')
    // The look has eyes: in a process group alone it finds this very process.
    const bin = bareFolder()
    onTestFinished(() => rmSync(bin, { recursive: true }))
    const seeing = await open({ tools: ['shell'] }, { world: world({ PATH: bin }) })
    expect(await seeing.call('shell', { command: look })).toMatch(/^[1-9]\d*\n/)
  })

  test('it sees neither the configuration nor the data folder, but its own folder in it, and cannot uncover them', async () => {
    const home = temporaryFolder()
    const [data, file, variables] = [join(home, 'data'), join(home, 'gateway.yaml'), join(home, '.env')]
    mkdirSync(data)
    for (const path of [file, variables, join(data, 'troupe.db')]) writeFileSync(path, 'PRIVATE')
    const opened = await open({ tools: ['shell'] }, { data, hidden: [file, variables, data] })
    const look = `cat ${file} ${variables} ${data}/* 2>/dev/null; ls ${data}`
    expect(await opened.call('shell', { command: look })).toBe('work\n[exit code 0]')
    const uncover = `umount ${file} ${variables} ${data}; umount -l ${data}; nsenter -t 1 -m cat ${file}; ${look}`
    expect(await opened.call('shell', { command: `(${uncover}) 2>/dev/null` })).not.toContain('PRIVATE')
    expect(await opened.call('shell', { command: 'echo mine > a; cat a' })).toBe('mine\n[exit code 0]')
    expect(readFileSync(join(opened.workdir, 'a'), 'utf8')).toBe('mine\n')
  })

  test('also one that hides from every look is ended with it', async () => {
    const words = long()
    endLater(words)
    const opened = await open({ tools: ['shell'] })
    await opened.call('shell', { command: `env -i setsid /usr/bin/${words} </dev/null >/dev/null 2>&1 &` })
    await none(words)
  })

  test('a gateway that is killed takes its commands along', async () => {
    const words = long()
    endLater(words)
    const program = [join(import.meta.dirname, 'child-shell.ts'), temporaryFolder(), `setsid ${words} & ${words}`]
    const child = spawn(process.execPath, program)
    while (processesWith(words).length < 4) await sleep(10)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await none(words)
  })
})

test('a shell that ends only its first process is caught', async () => {
  const words = long()
  endLater(words)
  const child = spawn('sh', ['-c', `setsid ${words} & wait`])
  while (processesWith(words).length < 2) await sleep(5)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await expect(none(words, 200)).rejects.toThrow()
})

test('programs are never looked for where a command can put one', async () => {
  const given = temporaryFolder()
  const PATH = `.:${given}:${given}/bin:${process.env['PATH']}`
  const { call } = await open({ tools: ['shell'], workdir: { path: given } }, { world: world({ PATH }) })
  mkdirSync(join(given, 'bin'))
  for (const name of ['setpriv', 'unshare', 'sh', 'bash', 'nice']) {
    for (const folder of [given, join(given, 'bin')]) {
      writeFileSync(join(folder, name), '#!/bin/sh\necho planted; exit 1\n', { mode: 0o755 })
    }
  }
  expect(await call('shell', { command: 'echo $PATH | tr : "\\n" | head -1' })).not.toMatch(
    /planted|troupe-tools|^\.$/m,
  )
})

test('two sessions in one given folder do not share what they need for a moment', async () => {
  const given = temporaryFolder()
  const [one, other] = await Promise.all(
    ['web/a', 'web/b'].map((session) => open({ tools: ['shell'], workdir: { path: given } }, { session })),
  )
  await other?.call('shell', { command: 'echo kept > $TMPDIR/a' })
  await one?.call('shell', { command: 'true' })
  await one?.toolbox.close()
  expect(await other?.call('shell', { command: 'cat $TMPDIR/a' })).toBe('kept\n[exit code 0]')
})

test('what a killed process left of an earlier run goes with the next one of its session, and nothing of others does', async () => {
  const [data, elsewhere, folder] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
  const left = async (
    turn: string,
    given: Parameters<typeof openIn>[1],
    more: { data?: string; session?: string } = {},
  ) => {
    const { call, workdir } = await openIn(more.data ?? data, { tools: ['shell'], ...given }, { turn, ...more })
    await call('shell', { command: 'echo kept > $TMPDIR/a' })
    return workdir
  }
  const temporaries = (path: string) => readdirSync(path).filter((name) => name.startsWith('.tmp-')).length
  const given = { workdir: { path: folder } }
  await left('t1', given, { session: 'web/other' })
  // Another gateway may work there too, and have a session of the same key.
  await left('t1', given, { data: elsewhere })
  const own = await left('t1', {})
  await left('t1', given)
  await left('t2', {})
  await left('t2', given)
  expect([temporaries(own), temporaries(folder)]).toEqual([1, 3])
})

describe('head and tail', () => {
  const kept = (chunks: readonly string[]): string => {
    const output = new HeadAndTail(4)
    for (const chunk of chunks) output.add(Buffer.from(chunk))
    return output.text()
  }

  test.each([
    [['abc'], 'abc'],
    [['abcd', 'efgh'], 'abcdefgh'],
    [['abcdefgh'], 'abcdefgh'],
    [['abcdefghi'], 'abcd\n[1 bytes are left out here]\nfghi'],
    [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'], 'abcd\n[4 bytes are left out here]\nijkl'],
    [['ab', 'cdefghijklmn', 'o'], 'abcd\n[7 bytes are left out here]\nlmno'],
  ])('%j is %j', (chunks, expected) => expect(kept(chunks)).toBe(expected))
})
