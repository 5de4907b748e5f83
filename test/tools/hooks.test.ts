// Hooks as programs and as modules: what they are told and may answer, in whose environment, for how long; and what is left of one that
// hangs, floods or makes itself a daemon: nothing.

import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { FailureError } from '../../machines/failure.ts'
import { type HookAnswer, hookAnswer, type HookDefinition, type HookEvent } from '../../machines/hooks.ts'
import { HOOKS_AT_ONCE_MAX, HOOKS_WAITING_MAX } from '../../machines/limits.ts'
import { defineHook } from '../../src/tools/define-hook.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import { hookExecutableLacks, hookModuleLacks } from '../../src/tools/hook-needs.ts'
import { hookRunner } from '../../src/tools/hooks.ts'
import { processesWith } from '../support/processes.ts'
import { soon } from '../support/soon.ts'
import { failureOf, temporaryFolder, world } from './parts.ts'

const DOCUMENT = { event: 'message.accepted', id: 'message.accepted:1', message: { text: 'hé' } } as const

interface Asking {
  readonly event?: HookEvent
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

function runner(environment: Record<string, string> = {}) {
  const folder = temporaryFolder()
  const made = hookRunner({ world: world(environment), folder, groups: unrecorded })
  onTestFinished(() => made.close())
  const ask = (
    hook: Pick<HookDefinition, 'kind' | 'path'>,
    { event = 'message.accepted', timeoutMs = 5_000, signal }: Asking = {},
  ) =>
    made.run(
      { hook: { ...hook, timeoutMs, onFailure: 'go_on' }, document: { ...DOCUMENT, event }, withinMs: 10_000 },
      signal ?? new AbortController().signal,
    )
  return {
    folder,
    close: () => made.close(),
    /** A program in shell, asked. */
    sh: (script: string, asking?: Asking) => ask({ kind: 'executable', path: executable(folder, script) }, asking),
    module: (source: string, asking?: Asking) => ask({ kind: 'module', path: module(folder, source) }, asking),
    ask,
  }
}

let files = 0

function executable(folder: string, script: string): string {
  const path = join(folder, `hook-${(files += 1)}`)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

function module(folder: string, source: string): string {
  const path = join(folder, `hook-${(files += 1)}.mjs`)
  writeFileSync(path, source)
  return path
}

const OWN_VARIABLES = new Set(['HOME', 'LANG', 'PATH', 'TROUPE_CALL', 'TROUPE_EVENT'])

describe('an executable', () => {
  test('reads the document on standard input and works beside the configuration', async () => {
    const { sh, folder } = runner()
    await sh('cat > told.json; pwd > where')
    expect(JSON.parse(readFileSync(join(folder, 'told.json'), 'utf8'))).toEqual(DOCUMENT)
    expect(readFileSync(join(folder, 'where'), 'utf8').trim()).toBe(folder)
  })

  test('A3: has an environment of its own, and nothing of the gateway’s', async () => {
    const { sh, folder } = runner({ TELEGRAM_TOKEN: 'SECRET', HOME: '/home-of-test' })
    await sh('env > env')
    const names = readFileSync(join(folder, 'env'), 'utf8')
      .split('\n')
      .map((line) => line.split('=')[0])
    expect(new Set(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD', ''].includes(name ?? '')))).toEqual(
      OWN_VARIABLES,
    )
  })

  test.each<[string, string, HookAnswer]>([
    ['nothing', ':', {}],
    ['words for nobody', 'echo done', {}],
    ['a text', `echo '{"text": "HE"}'`, { text: 'HE' }],
    ['a refusal', String.raw`printf '%s' '{"refuse": "no\n ads "}'`, { refuse: 'no ads' }],
    ['a refusal by exit code, with its first words', 'echo "no ads"; exit 77', { refuse: 'no ads' }],
    ['a refusal by exit code, on standard error', 'echo "no ads" >&2; exit 77', { refuse: 'no ads' }],
    ['a refusal by exit code, without a word', 'exit 77', { refuse: 'no reason was given' }],
  ])('answers with %s', async (_, script, answer) => {
    expect(await runner().sh(script)).toEqual(answer)
  })

  test.each<[string, string, string]>([
    ['fails', 'echo "no network" >&2; exit 3', 'it ended with exit code 3: no network'],
    ['is ended by a signal', 'kill -9 $$', 'it ended with exit code 137'],
    ['answers no JSON', 'echo "{text: no}"', 'its answer is no JSON'],
    ['answers what nobody knows', `echo '{"txt": "x"}'`, 'it answered with "txt": known: text, refuse'],
    ['answers something else than a text', `echo '{"text": 7}'`, 'its text is no text, or too long a one'],
    ['never ends', 'sleep 60', 'it took longer than 0.3 s'],
    ['hears no signal but the last', `trap '' TERM INT HUP; while :; do sleep 1; done`, 'it took longer than 0.3 s'],
    ['floods', 'yes', 'it wrote more than 524288 bytes'],
    ['floods standard error', 'yes >&2', 'it wrote more than 524288 bytes'],
  ])('that %s is a failure in words', async (title, script, message) => {
    const timeoutMs = title.startsWith('never') || title.startsWith('hears') ? 300 : 5_000
    expect((await failureOf(runner().sh(script, { timeoutMs }))).message).toBe(message)
  })

  test('may refuse only what can be refused; elsewhere its exit code is a failure', async () => {
    const failure = await failureOf(runner().sh('exit 77', { event: 'run.end' }))
    expect(failure.message).toBe('it ended with exit code 77')
  })

  test('that makes itself a daemon leaves nothing behind, at its end and at its time limit', async () => {
    const { sh } = runner()
    const mark = `sleep 7${process.pid}`
    await sh(`(setsid ${mark}1 >/dev/null 2>&1 &) ; setsid nohup ${mark}2 >/dev/null 2>&1 & exit 0`)
    await failureOf(sh(`setsid ${mark}3 >/dev/null 2>&1 & sleep 60`, { timeoutMs: 300 }))
    await soon(() => expect(processesWith(mark)).toEqual([]))
  })

  test('run as programs often are, it leaves its daemon behind, and that is seen', async () => {
    const mark = `sleep 6${process.pid}`
    spawnSync('sh', ['-c', `setsid ${mark} >/dev/null 2>&1 &`], { timeout: 5_000 })
    await soon(() => expect(processesWith(mark)).not.toEqual([]))
    for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL')
  })

  test('that does not read what it is told is none the worse', async () => {
    const { ask, folder } = runner()
    const path = executable(folder, 'exec 0<&-; exit 0')
    expect(await ask({ kind: 'executable', path })).toEqual({})
  })

  test('S16: is ended whole in the moment of an abort', async () => {
    const { sh } = runner()
    const controller = new AbortController()
    const mark = `sleep 8${process.pid}`
    const asking = sh(`${mark} & ${mark}`, { signal: controller.signal })
    await soon(() => expect(processesWith(mark).length).toBeGreaterThan(0))
    controller.abort()
    expect((await failureOf(asking)).reason).toBe('cancelled')
    expect(processesWith(mark)).toEqual([])
  })

  test('that is not there, or may not be executed, is said with what to do', async () => {
    const { ask, folder } = runner()
    const [nowhere, plain] = [join(folder, 'nowhere'), join(folder, 'plain')]
    writeFileSync(plain, '#!/bin/sh\n')
    for (const path of [nowhere, plain]) {
      expect(await failureOf(ask({ kind: 'executable', path }))).toMatchObject({
        reason: 'missing',
        remedy: expect.stringContaining('chmod +x'),
      })
    }
    const hooks = { 'run.end': [nowhere, plain, 'no-such-program', 'sh'].map((path) => definition('executable', path)) }
    expect((await hookExecutableLacks(hooks, { PATH: process.env['PATH'] })).map(({ what }) => what)).toEqual([
      `the hook ${nowhere} is not an executable file`,
      `the hook ${plain} is not an executable file`,
      'the hook no-such-program is not in PATH',
    ])
  })
})

describe('a module', () => {
  test.each<[string, string, HookAnswer]>([
    ['nothing', 'export default () => {}', {}],
    ['a text, later', 'export default async ({ message }) => ({ text: message.text.toUpperCase() })', { text: 'HÉ' }],
    ['a refusal', `export default ({ event }) => ({ refuse: event })`, { refuse: 'message.accepted' }],
  ])('answers with %s', async (_, source, answer) => {
    expect(await runner().module(source)).toEqual(answer)
  })

  test.each<[string, string, string]>([
    ['throws', 'export default () => { throw new Error("no network") }', 'it failed: no network'],
    ['never returns', 'export default () => new Promise(() => {})', 'it took longer than 0.3 s'],
    ['answers with a text', 'export default () => "ok"', 'it answered with something that is no object'],
  ])('that %s is a failure in words', async (_, source, message) => {
    expect((await failureOf(runner().module(source, { timeoutMs: 300 }))).message).toBe(message)
  })

  test('is told when nobody waits any more', async () => {
    const { module: ask, folder } = runner()
    // On a busy machine its time is over before it has begun.
    const source = `import { writeFileSync } from 'node:fs'
      export default (_, { signal }) => new Promise(() => {
        const ended = () => writeFileSync(${JSON.stringify(join(folder, 'ended'))}, 'x')
        if (signal.aborted) ended()
        else signal.addEventListener('abort', ended)
      })`
    await failureOf(ask(source, { timeoutMs: 200 }))
    await soon(() => expect(readFileSync(join(folder, 'ended'), 'utf8')).toBe('x'))
  })

  test('that was changed is loaded anew', async () => {
    const { ask, folder } = runner()
    const path = module(folder, 'export default () => ({ text: "one" })')
    expect(await ask({ kind: 'module', path })).toEqual({ text: 'one' })
    writeFileSync(path, 'export default () => ({ text: "two" })')
    utimesSync(path, 1, 1)
    expect(await ask({ kind: 'module', path })).toEqual({ text: 'two' })
  })

  test('that has no function, or does not load, is said with what to do', async () => {
    const folder = temporaryFolder()
    const [empty, broken] = [module(folder, 'export const a = 1'), module(folder, 'export default (')]
    const hooks = { 'run.end': [empty, broken, join(folder, 'nowhere.mjs')].map((path) => definition('module', path)) }
    const lacks = await hookModuleLacks(hooks, world().clock)
    expect(lacks.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^the hook hook-\d+\.mjs has no default export that is a function$/),
      expect.stringMatching(/^the hook hook-\d+\.mjs cannot be loaded \(/),
      'the hook nowhere.mjs is not there',
    ])
    expect(lacks.every(({ remedy, phase }) => remedy.includes(folder) && phase === 'construct')).toBe(true)
  })

  test('gets its types from troupe/hook, and nothing else', () => {
    const hook = () => ({ text: 'x' })
    expect(defineHook(hook)).toBe(hook)
  })
})

describe('M2: hooks have bounds', () => {
  test('so many at once; who waits is served in order, and who is aborted leaves the line', async () => {
    const { ask, folder } = runner()
    const source = `globalThis.hooksBusy ??= { now: 0, most: 0 }
      export default () => new Promise((resolve) => {
        const busy = globalThis.hooksBusy
        busy.now += 1
        busy.most = Math.max(busy.most, busy.now)
        setTimeout(() => { busy.now -= 1; resolve({ text: String(busy.most) }) }, 20)
      })`
    const path = module(folder, source)
    const gone = new AbortController()
    const all = Array.from({ length: 3 * HOOKS_AT_ONCE_MAX }, (_, index) =>
      ask({ kind: 'module', path }, index === 2 * HOOKS_AT_ONCE_MAX ? { signal: gone.signal } : {}),
    )
    gone.abort()
    const ends = await Promise.allSettled(all)
    const texts = ends.flatMap((end) => (end.status === 'fulfilled' ? [Number(end.value.text)] : []))
    expect([texts.length, Math.max(...texts)]).toEqual([all.length - 1, HOOKS_AT_ONCE_MAX])
  })

  test('the line is so long and no longer; the time of who waits in it runs', async () => {
    const { ask, folder, close } = runner()
    const path = module(folder, 'export default () => new Promise(() => {})')
    const waiting = Array.from({ length: HOOKS_AT_ONCE_MAX + HOOKS_WAITING_MAX }, () =>
      ask({ kind: 'module', path }, { timeoutMs: 300 }),
    )
    expect((await failureOf(ask({ kind: 'module', path }))).message).toBe('1000 hooks wait for their turn already')
    const ends = await Promise.allSettled(waiting)
    const messages = new Set(
      ends.map((end) => (end.status === 'rejected' ? (end.reason as FailureError).message : 'answered')),
    )
    expect([...messages]).toEqual(['it took longer than 0.3 s'])
    await close()
  })

  test('closing ends what runs', async () => {
    const { sh, close } = runner()
    const mark = `sleep 9${process.pid}`
    const asking = failureOf(sh(mark))
    await soon(() => expect(processesWith(mark).length).toBeGreaterThan(0))
    await close()
    expect((await asking).reason).toBe('cancelled')
    expect(processesWith(mark)).toEqual([])
  })
})

test.each<[HookEvent, unknown, unknown]>([
  ['run.start', { text: 'a', instructions: 'b' }, { text: 'a', instructions: 'b' }],
  ['run.start', { text: undefined }, {}],
  ['run.end', { text: 'a' }, { mistake: 'it answered with "text": nothing is answered to this event' }],
  ['run.start', { refuse: ' ' }, { refuse: 'no reason was given' }],
  ['run.start', [1], { mistake: 'it answered with something that is no object' }],
  ['run.start', { text: 'x'.repeat(65_537) }, { mistake: 'its text is no text, or too long a one' }],
])('what %s may answer (%#)', (event, said, answer) => {
  expect(hookAnswer(event, said)).toEqual(answer)
})

function definition(kind: HookDefinition['kind'], path: string): HookDefinition {
  return { kind, path, timeoutMs: 1_000, onFailure: 'go_on' }
}
