// Hooks, through the binary: an operator's programs refuse, rewrite, fail, hang and take their time, and no session goes with them;
// a gateway that is killed in the middle of one asks it again.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { GatewayProcess } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  answers,
  eventually,
  openTelegram,
  scenario,
  started,
  statusOf,
  telegram,
  temporaryFolder,
  textOf,
  writeFile,
} from '../support/scenario.ts'

/** Each reads what it is told, keeps it as a line of `told`, and does what the text says. */
const BODY = `read -r document; printf '%s\\n' "$document" >> told`

const PROGRAMS = {
  note: BODY,
  check: `${BODY}
case "$document" in
  *spam*) echo 'no advertising'; exit 77 ;;
  *shout*) echo '{"text": "LOUD"}' ;;
  *fail*) echo 'no network' >&2; exit 1 ;;
esac`,
  hang: `read -r document
case "$document" in *hang*) sleep 60 ;; esac`,
  begin: `${BODY}
case "$document" in *slow*) sleep 1 ;; esac`,
  gate: `${BODY}
test -e open || sleep 60`,
}

function withPrograms(folder: string): string {
  mkdirSync(join(folder, 'bin'))
  for (const [name, script] of Object.entries(PROGRAMS))
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return folder
}

interface Told {
  readonly event: string
  readonly id: string
  readonly [part: string]: unknown
}

function toldIn(folder: string): Told[] {
  const path = join(folder, 'told')
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : []
}

function toldOf(folder: string, event: string, count: number, gateway: GatewayProcess): Promise<Told[]> {
  const found = () => toldIn(folder).filter((each) => each.event === event)
  return eventually(async () => found().length >= count && found(), gateway)
}

scenario(
  'S13 S15 S4: a hook refuses, rewrites, fails, hangs and is slow; each message has its end, and its agent goes on',
  async () => {
    const api = await openTelegram()
    const [bot, other] = [addBot(api), addBot(api)]
    const [anna, ben, carl, dora, eve] = ['anna', 'ben', 'carl', 'dora', 'eve'].map((username) =>
      api.person({ username }),
    )
    const folder = withPrograms(temporaryFolder())
    writeFile(folder, {
      agents: {
        cfo: {
          model: 'echo',
          hooks: {
            'message.accepted': ['./bin/check', { run: './bin/hang', timeout: '1s' }],
            'run.start': ['./bin/begin', './hooks/rate.mjs'],
            'run.end': ['./bin/note'],
          },
        },
        ops: { model: 'echo', hooks: { 'run.start': ['./bin/nowhere'] } },
      },
      hooks: { 'gateway.start': ['./bin/note'], dead_letter: ['./bin/note', './bin/pager'] },
      channels: { a: telegram(api, bot, { queue_limit: 1 }), b: telegram(api, other, { agent: 'ops' }) },
    } as never)
    mkdirSync(join(folder, 'hooks'))
    writeFileSync(
      join(folder, 'hooks/rate.mjs'),
      `export default ({ messages }) => {
        setTimeout(() => { throw new Error('beside its call') }, 5)
        void Promise.reject(new Error('heard by nobody'))
        return { text: '(' + messages.length + ')' }
      }
      setTimeout(() => { throw new Error('while it is loaded') }, 1)`,
    )
    const gateway = await started(folder)

    // What is not there is named, and takes the channels of its agent only.
    const { channels } = await statusOf(gateway)
    expect(channels.map(({ id, state }) => `${id} ${state}`)).toEqual(['a live', 'b failed'])
    expect(channels[1]?.reason).toContain(`the hook ${join(folder, 'bin/nowhere')} is not an executable file`)

    // What is not there of the gateway's own is said as loudly, and takes nobody's channel.
    const pager = `requires: the hook ${join(folder, 'bin/pager')} is not an executable file. Put it there`
    expect((await statusOf(gateway)).lacking).toMatchObject([{ phase: 'requires', remedy: expect.any(String) }])
    expect(gateway.output()).toContain(`1 of 2 channels live\n  b is failed`)
    expect(gateway.output()).toContain(`\n  the gateway itself: ${pager}`)
    expect(gateway.errors()).toContain(pager)

    const begunAt = performance.now()
    anna?.says(bot, 'buy spam')
    ben?.says(bot, 'shout')
    carl?.says(bot, 'fail')
    dora?.says(bot, 'hang')
    eve?.says(bot, 'slow one')
    await new Promise((resolve) => setTimeout(resolve, 50))
    eve?.says(bot, 'two')
    await eventually(async () => (await statusOf(gateway)).sessions.queued_messages > 0, gateway)
    eve?.says(bot, 'three')

    const ends = [anna, ben, carl, dora].map(async (person) => person && (await answered(bot, person, 1)))
    expect(await Promise.all(ends)).toEqual([
      ['Your message was refused: no advertising'],
      ['cfo heard: LOUD\n\n(1)'],
      ['cfo heard: fail\n\n(1)'],
      ['cfo heard: hang\n\n(1)'],
    ])
    expect(performance.now() - begunAt).toBeGreaterThan(1_000)
    // One run, and the second message after it; the third was refused aloud, which is a dead letter.
    if (eve === undefined) throw new Error('nobody is there')
    expect(await answered(bot, eve, 3)).toEqual([
      expect.stringContaining('not kept'),
      'cfo heard: slow one\n\n(1)',
      'cfo heard: two\n\n(1)',
    ])
    const begun = (await toldOf(folder, 'run.start', 5, gateway)).map(
      ({ session, turn }) => `${String(session)} ${String(turn)}`,
    )
    expect(new Set(begun).size).toBe(begun.length)

    // Who is told after the fact.
    expect((await toldOf(folder, 'run.end', 5, gateway)).map(({ outcome }) => outcome)).toEqual(
      Array(5).fill('answered'),
    )
    expect(await toldOf(folder, 'dead_letter', 1, gateway)).toMatchObject([
      { dead_letter: { kind: 'message', text: 'three' } },
    ])
    expect(await toldOf(folder, 'gateway.start', 1, gateway)).toMatchObject([
      {
        url: gateway.url,
        channels: [
          { id: 'a', state: 'live' },
          { id: 'b', state: 'failed' },
        ],
      },
    ])
    const metrics = await textOf(gateway, '/metrics')
    expect(metrics).toMatch(/^troupe_hook_seconds_count\{event="message.accepted",outcome="failed"\} [2-9]$/m)
    expect(gateway.errors() + gateway.output()).toMatch(
      /a hook failed, and it is passed over: it ended with exit code 1: no network/,
    )

    // A module that fails in something that it did not wait for takes nobody with it either.
    for (const error of ['while it is loaded', 'beside its call', 'heard by nobody'])
      expect(gateway.errors()).toMatch(
        new RegExp(`"${error}".*the hook rate.mjs failed in something that it did not wait for`),
      )

    // Once it is there, a reload finds it.
    copyFileSync(join(folder, 'bin/note'), join(folder, 'bin/pager'))
    await (await gateway.request('/reload', { method: 'POST' })).body?.cancel()
    expect((await statusOf(gateway)).lacking).toEqual([])
  },
)

scenario('M5: a gateway that is killed while a hook is asked asks it again, and answers once', async () => {
  const api = await openTelegram()
  const bot = addBot(api)
  const anna = api.person({ username: 'anna' })
  const folder = withPrograms(temporaryFolder())
  const agents = { cfo: { model: 'echo', hooks: { 'message.accepted': ['./bin/gate'], 'run.end': ['./bin/note'] } } }
  writeFile(folder, { agents, channels: { a: telegram(api, bot) } })
  const first = await started(folder)
  anna.says(bot, 'hello')
  await toldOf(folder, 'message.accepted', 1, first)
  await first.kill9()
  writeFileSync(join(folder, 'open'), '')
  const second = await started(folder)
  await toldOf(folder, 'run.end', 1, second)
  await answered(bot, anna, 1)
  expect(answers(bot, anna)).toEqual(['cfo heard: hello'])
  expect(toldIn(folder).map(({ event, id }) => [event, id])).toEqual([
    ['message.accepted', 'message.accepted:1'],
    ['message.accepted', 'message.accepted:1'],
    ['run.end', expect.stringMatching(/^run\.end:a\/\d+:/)],
  ])
})
