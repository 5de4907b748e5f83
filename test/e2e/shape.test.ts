// Shape, through the binary: memory is that of the active sessions, and a session that left it comes back the same.

import { expect } from 'vitest'
import type { GatewayProcess } from '../support/gateway-process.ts'
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
  textOf,
  watch,
} from '../support/scenario.ts'

const SESSIONS = 2_000

scenario(
  'S53 2,000 known sessions: they leave memory, which does not grow with them, and opening one more costs the same',
  async () => {
    const { gateway } = await run({
      gateway: { passivate_after: '200ms' },
      channels: { web: { platform: 'web', agent: 'cfo' } },
    })
    await openSessions(gateway, 0, SESSIONS / 4)
    await allPassivated(gateway, SESSIONS / 4)
    const early = await heapBytes(gateway)
    await openSessions(gateway, SESSIONS / 4, SESSIONS)
    const { sessions } = await allPassivated(gateway, SESSIONS)
    expect(sessions).toMatchObject({ idle: 0, pending: 0, running: 0, passivated: SESSIONS })
    const late = await heapBytes(gateway)
    // A live session is about 20 KB: 1,500 of them would be 30 MB. The rest is garbage that nobody has collected yet.
    expect(late - early, 'bytes of heap for 1,500 more known sessions').toBeLessThan(25_000_000)
    const watching = await watch(gateway, 'web', 'one more')
    const before = performance.now()
    await post(gateway, 'web', { conversation: 'one more', text: 'hi' })
    expect(await watching.answered(1)).toEqual(['cfo heard: hi'])
    expect(performance.now() - before).toBeLessThan(1_000)
  },
)

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

/** The smallest of a few looks: between two collections it only grows. */
async function heapBytes(gateway: GatewayProcess): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY
  for (let look = 0; look < 8; look += 1) {
    const used = /^nodejs_heap_size_used_bytes (\S+)$/m.exec(await textOf(gateway, '/metrics'))?.[1]
    smallest = Math.min(smallest, Number(used))
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  expect(smallest).toBeGreaterThan(0)
  return smallest
}
