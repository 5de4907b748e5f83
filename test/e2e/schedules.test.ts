// Schedules, through the binary: what was missed while nobody ran is said once at the start, as a message like any other; the operator
// sees it; a newer file is taken without a restart. (A minute is the shortest time there is: so these tests live off a missed one.)

import { join } from 'node:path'
import { expect } from 'vitest'
import type { ScheduleView } from '../../src/http/port.ts'
import { openStore } from '../../src/store/sqlite.ts'
import { realWorld } from '../../src/world.ts'
import { type GatewayProcess, troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  answers,
  eventually,
  jsonOf,
  openTelegram,
  scenario,
  started,
  telegram,
  temporaryFolder,
  textOf,
  writeFile,
} from '../support/scenario.ts'

const MINUTE_MS = 60_000

/** A time of each day that was some minutes ago, as a pattern in UTC. */
function dailyAgo(minutes: number): string {
  const at = new Date(Date.now() - minutes * MINUTE_MS)
  return `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
}

/** As a gateway leaves its store that ran until an hour ago. */
async function ranBefore(folder: string, schedules: readonly { name: string; cron: string }[]): Promise<void> {
  const holder = { pid: process.pid, url: null, startedAt: '' }
  const store = openStore({ folder: join(folder, '.troupe'), holder, world: realWorld({}) })
  for (const { name, cron } of schedules) await store.recallSchedule(name, `${cron} UTC`, Date.now() - 60 * MINUTE_MS)
  await store.close()
}

async function schedulesOf(gateway: GatewayProcess): Promise<readonly ScheduleView[]> {
  return (await jsonOf<{ schedules: readonly ScheduleView[] }>(await gateway.request('/schedules'))).schedules
}

scenario(
  'M5: a time that was missed is said once, answered, seen by the operator, and not again after kill -9',
  async () => {
    const api = await openTelegram()
    const bot = addBot(api)
    const anna = api.person({ firstName: 'Anna' })
    anna.says(bot, '/start')
    const folder = temporaryFolder()
    const common = { channel: 'tg', conversation: anna.id, time_zone: 'UTC' }
    const morning = { name: 'morning', cron: dailyAgo(10), text: 'What is new?', ...common }
    const never = { name: 'evening', cron: dailyAgo(120), text: 'Good night', agent: 'ops', ...common }
    const file = { channels: { tg: telegram(api, bot) }, schedules: [morning, never] }
    writeFile(folder, file)
    await ranBefore(folder, [morning, never])

    const first = await started(folder)
    await answered(bot, anna, 2)
    expect(answers(bot, anna).filter((text) => text.startsWith('cfo heard'))).toEqual(['cfo heard: What is new?'])
    await eventually(async () => (await schedulesOf(first))[0]?.last?.outcome === 'answered', first)
    expect(await schedulesOf(first)).toMatchObject([
      { name: 'morning', agent: 'cfo', channel: 'tg', conversation: String(anna.id), next: expect.any(String) },
      { name: 'evening', agent: 'ops', last: null },
    ])
    const [{ session } = { session: '' }] = (await schedulesOf(first)).flatMap(({ last }) => last ?? [])
    expect(await textOf(first, `/sessions/${encodeURIComponent(session)}`)).toContain('"id":"schedule:morning"')
    await first.kill9()

    const config = ['--config', join(folder, 'gateway.yaml')]
    const offline = await troupe(['schedules', 'list', ...config])
    expect([offline.code, offline.output]).toEqual([0, expect.stringMatching(/morning .* tg\/\d+ .* answered/)])
    const second = await started(folder)
    const listed = await troupe(['schedules', 'list', '--json', ...config])
    expect(JSON.parse(listed.output)).toEqual({ schedules: await schedulesOf(second) })
    expect(answers(bot, anna).filter((text) => text.startsWith('cfo heard'))).toHaveLength(1)

    // A newer file, without a restart. What it has anew has no past.
    const added = { ...morning, name: 'noon' }
    writeFile(folder, { ...file, schedules: [{ ...morning, text: 'And now?' }, added] })
    await second.prints(/schedules\.noon added, schedules\.evening removed, schedules\.morning changed/)
    expect((await schedulesOf(second)).map(({ name, last }) => [name, last === null])).toEqual([
      ['morning', false],
      ['noon', true],
    ])
    expect(answers(bot, anna).filter((text) => text.includes('now?'))).toEqual([])
  },
)
