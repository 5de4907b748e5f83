// Shape, through the binary: memory is that of the active sessions, and a session that left it comes back the same.

import { expect } from 'vitest'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { heldHeapBytes, INSPECTED } from '../support/heap.ts'
import {
  addBot,
  answered,
  ask,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  post,
  run,
  scenario,
  statusOf,
  telegram,
} from '../support/scenario.ts'
import { watch } from '../support/watching.ts'

const SESSIONS = 1_600

/** The page's channel keeps the last state of its 1,024 youngest conversations; growth is measured after those. */
const WARM = 1_100

/** A session in memory holds about 5,500 bytes (measured); one that is only known should hold none. */
const KNOWN_SESSION_BYTES_MAX = 500

scenario(
  'S53 1,600 known sessions: memory does not grow with them, and opening one more costs what opening the first did',
  async () => {
    const { gateway, firstMs, grown } = await sessionsOf({ warm: WARM, count: SESSIONS }, { passivate_after: '200ms' })
    const { sessions } = await allPassivated(gateway, SESSIONS)
    expect(sessions).toMatchObject({ idle: 0, pending: 0, running: 0, passivated: SESSIONS })
    expect(await grown(), 'bytes of heap for each known session').toBeLessThan(KNOWN_SESSION_BYTES_MAX)
    // The quickest of some: a busy machine holds up one or the other.
    const more: number[] = []
    for (let n = 0; n < 5; n += 1) more.push(await oneMoreMs(gateway, `one more ${n}`))
    expect(Math.min(...more)).toBeLessThan(firstMs + 250)
  },
)

scenario('S53 the check catches sessions that stay in memory', async () => {
  const { gateway, grown } = await sessionsOf({ warm: 100, count: 400 }, { passivate_after: '1h' })
  await eventually(async () => (await statusOf(gateway)).sessions.idle === 400, gateway)
  expect(await grown()).toBeGreaterThan(KNOWN_SESSION_BYTES_MAX)
})

interface Counts {
  readonly warm: number
  readonly count: number
}

/** A gateway that was spoken to in so many conversations; `grown`: bytes for each after the first `warm`. */
async function sessionsOf({ warm, count }: Counts, gatewayKeys: Record<string, unknown>) {
  const { gateway } = await run(
    { gateway: gatewayKeys, channels: { web: { platform: 'web', agent: 'cfo' } } },
    { environment: INSPECTED },
  )
  const firstMs = await oneMoreMs(gateway, 'c0')
  await openSessions(gateway, 1, warm)
  await eventually(async () => {
    const { idle, passivated } = (await statusOf(gateway)).sessions
    return gatewayKeys['passivate_after'] === '1h' ? idle === warm : passivated === warm
  }, gateway)
  const before = await heldHeapBytes(gateway)
  await openSessions(gateway, warm, count)
  return {
    gateway,
    firstMs,
    grown: async () => ((await heldHeapBytes(gateway)) - before) / (count - warm),
  }
}

/** Milliseconds until somebody new is answered. */
async function oneMoreMs(gateway: GatewayProcess, conversation: string): Promise<number> {
  const watching = await watch(gateway, 'web', conversation)
  const before = performance.now()
  await post(gateway, 'web', { conversation, text: 'hi' })
  expect(await watching.answered(1)).toEqual(['cfo heard: hi'])
  watching.close()
  return performance.now() - before
}

scenario('S54 a passivated session’s next message: the same history, the same settings', async () => {
  const [api, model] = [await openTelegram(), await openModel()]
  model.always(({ messages }) => `re: ${messages.at(-1)?.content}`)
  const bot = addBot(api)
  const { gateway } = await run({
    gateway: { passivate_after: '200ms' },
    agents: modelAgents(model),
    channels: { tg: telegram(api, bot) },
  })
  const anna = api.person({ username: 'anna' })
  await ask(bot, anna, 'my name is Anna')
  const whoami = await ask(bot, anna, '/whoami')
  await allPassivated(gateway, 1)
  await ask(bot, anna, 'what is my name?')
  const request = model.requests.at(-1)
  expect(request?.messages).toEqual([
    { role: 'system', content: 'You are cfo.' },
    { role: 'user', content: 'my name is Anna' },
    { role: 'assistant', content: 're: my name is Anna' },
    { role: 'user', content: 'what is my name?' },
  ])
  await allPassivated(gateway, 1)
  expect(await ask(bot, anna, '/whoami')).toBe(whoami)
  await allPassivated(gateway, 1)
  const [held, next] = [model.next(), model.next()]
  anna.says(bot, 'M1')
  await held.arrived
  anna.says(bot, 'M2')
  await held.respond('re: M1')
  await next.respond('re: M2')
  expect((await answered(bot, anna, 6)).slice(-2), 'still busy_mode: queue').toEqual(['re: M1', 're: M2'])
})

scenario(
  'S56 ten times the load that can be served: everything is answered or refused aloud, and /status still answers',
  async () => {
    const [rooms, each] = [4, 30]
    const { gateway } = await run({
      gateway: { concurrent_runs: 1 },
      agents: { cfo: { model: { provider: 'echo', delay: '20ms' } } },
      channels: { web: { platform: 'web', agent: 'cfo', queue_limit: 2 } },
    })
    const places = Array.from({ length: rooms }, (_, room) => `room${room}`)
    const said = places.flatMap((conversation) =>
      Array.from({ length: each }, (_, n) => ({ conversation, text: `M${n}` })),
    )
    const accepted = Promise.all(said.map((message) => post(gateway, 'web', message)))
    expect((await statusOf(gateway)).state).toBe('serving')
    expect(new Set((await accepted).map(({ status }) => status))).toEqual(new Set([202]))
    const watching = await Promise.all(places.map((place) => watch(gateway, 'web', place)))
    const answers = await Promise.all(watching.map((one) => one.answered(each)))
    for (const texts of answers) {
      expect(texts).toHaveLength(each)
      const refused = texts.filter((text) => text.includes('not kept'))
      expect(refused.length).toBeGreaterThan(each / 2)
      // What was kept is answered once; they were said side by side, so any order may be theirs.
      const heard = texts.flatMap((text) => /^cfo heard: M(\d+)$/.exec(text)?.[1] ?? [])
      expect(heard).toHaveLength(each - refused.length)
      expect(new Set(heard).size).toBe(heard.length)
    }
    const { sessions, dead_letters } = await statusOf(gateway)
    expect([sessions.queued_messages, dead_letters]).toEqual([
      0,
      answers.flat().filter((text) => text.includes('not kept')).length,
    ])
  },
)

function allPassivated(gateway: GatewayProcess, count: number) {
  return eventually(
    async () => {
      const status = await statusOf(gateway)
      const { idle, pending, running, passivated } = status.sessions
      return idle + pending + running === 0 && passivated === count && status
    },
    gateway,
    30_000,
  )
}

async function openSessions(gateway: GatewayProcess, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += 50) {
    const posts = Array.from({ length: Math.min(50, to - first) }, async (_, index) => {
      const response = await post(gateway, 'web', { conversation: `c${first + index}`, text: 'hi' })
      expect(response.status).toBe(202)
      await response.body?.cancel()
    })
    await Promise.all(posts)
  }
}
