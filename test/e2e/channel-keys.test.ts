// Channel keys, through the binary: each documented key does something that an outside observer can tell, and the user's
// file is byte-identical afterwards.

import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { BotApiServer, BotHandle, Group, Person } from '../support/bot-api/server.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import type { ModelServer } from '../support/model-server.ts'
import {
  addBot,
  answered,
  answeredIn,
  answersIn,
  ask,
  ECHO,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  scenarioInTurn,
  shared,
  SOON_MS,
  started,
  statusOf,
  telegram,
  temporaryFolder,
  writeFile,
} from '../support/scenario.ts'

/** A gateway, a channel of it with this key, and somebody outside who can tell. */
interface Stage {
  readonly api: BotApiServer
  readonly model: ModelServer
  readonly gateway: GatewayProcess
  readonly bot: BotHandle
  readonly anna: Person
  readonly group: Group
}

type Proof = (stage: Stage) => Promise<void>

const mentioned = ({ bot }: Stage, text: string): string => `@${bot.username} ${text}`
const inGroup = (stage: Stage, count: number): Promise<string[]> => answeredIn(stage.bot, stage.group.id, count)

/** A text in the group that must be answered, after others that must not be. */
async function onlyTheLast(stage: Stage, said: readonly string[], answer: string): Promise<void> {
  for (const text of said) stage.anna.says(stage.group, text)
  await inGroup(stage, 1)
  await stage.bot.waitFor((bot) => bot.pendingUpdates === 0, SOON_MS)
  await eventually(async () => {
    const { sessions, outbox } = await statusOf(stage.gateway)
    return sessions.pending + sessions.running + outbox === 0
  }, stage.gateway)
  expect(answersIn(stage.bot, stage.group.id)).toEqual([expect.stringContaining(answer)])
}

/** The first turn is held at the model while the others arrive. */
async function whileBusy(stage: Stage, texts: readonly string[]) {
  stage.model.always(({ messages }) => `answer to ${messages.at(-1)?.content}`)
  const first = stage.model.next()
  stage.anna.says(stage.bot, 'first')
  await first.arrived
  for (const text of texts) stage.anna.says(stage.bot, text)
  await eventually(async () => (await statusOf(stage.gateway)).sessions.queued_messages >= 1, stage.gateway)
  await stage.bot.waitFor((bot) => bot.pendingUpdates === 0 || bot.activePolls === 1, SOON_MS)
  return first
}

/** The last text of each request that the model got. */
const asked = ({ model }: Stage): string[] => model.requests.map(({ messages }) => messages.at(-1)?.content ?? '')

const KEYS: readonly (readonly [title: string, keys: Record<string, unknown>, proof: Proof])[] = [
  ['agent', { agent: 'ops' }, async ({ bot, anna }) => expect(await ask(bot, anna, 'who?')).toBe('ops heard: who?')],
  [
    'routes',
    { agent: undefined, routes: { default: 'cfo', dm: 'ops', group: 'content' } },
    async (stage) => {
      expect(await ask(stage.bot, stage.anna, 'who?')).toBe('ops heard: who?')
      stage.anna.says(stage.group, mentioned(stage, 'who?'))
      expect(await inGroup(stage, 1)).toEqual(['content heard: who?'])
    },
  ],
  [
    'token and api_root',
    {},
    async ({ bot, anna }) => {
      expect(await ask(bot, anna, 'here?'), 'this bot, on this server').toBe('cfo heard: here?')
    },
  ],
  [
    'allowed_users: an id, a handle, and nobody else',
    { allowed_users: [4711, '@Anna'] },
    async ({ api, bot, anna }) => {
      const [numbered, stranger] = [api.person({ id: 4711 }), api.person({ username: 'mallory' })]
      stranger.says(bot, 'let me in')
      expect(await ask(bot, numbered, 'hi')).toBe('cfo heard: hi')
      expect(await ask(bot, anna, 'hi')).toBe('cfo heard: hi')
      expect(answersIn(bot, stranger.id)).toEqual([])
    },
  ],
  [
    'unknown_user_policy: deny',
    { unknown_user_policy: 'deny', allowed_users: [4711] },
    async ({ api, bot, anna }) => {
      for (const text of ['hi', '/help', '/whoami']) anna.says(bot, text)
      expect(await ask(bot, api.person({ id: 4711 }), 'after them')).toBe('cfo heard: after them')
      // Somebody else's answer to a later message has come: hers would have been there.
      expect(answersIn(bot, anna.id)).toEqual([])
    },
  ],
  [
    'unknown_user_policy: pair',
    { unknown_user_policy: 'pair' },
    async ({ bot, anna, gateway }) => {
      const code = /code is (\S+)\./.exec(await ask(bot, anna, 'hi'))?.[1]
      const approved = await gateway.request(`/pairings/${code}/approve`, { method: 'POST' })
      expect(approved.status).toBe(200)
      expect(await ask(bot, anna, 'now?')).toBe('cfo heard: now?')
    },
  ],
  [
    'unknown_user_policy: allow',
    { unknown_user_policy: 'allow' },
    async ({ bot, anna }) => expect(await ask(bot, anna, 'hi')).toBe('cfo heard: hi'),
  ],
  [
    'group_policy: mention_only',
    { group_policy: 'mention_only' },
    (stage) => onlyTheLast(stage, ['to nobody', mentioned(stage, 'to you')], 'cfo heard: to you'),
  ],
  [
    'group_policy: respond_all',
    { group_policy: 'respond_all' },
    async (stage) => {
      stage.anna.says(stage.group, 'to nobody')
      expect(await inGroup(stage, 1)).toEqual(['cfo heard: to nobody'])
    },
  ],
  [
    'group_policy: command_only',
    { group_policy: 'command_only' },
    (stage) =>
      onlyTheLast(
        stage,
        ['to nobody', mentioned(stage, 'to you'), `/whoami@${stage.bot.username}`],
        String(stage.anna.id),
      ),
  ],
  [
    'session_scope: per_chat',
    { session_scope: 'per_chat' },
    async (stage) => expect(await keysInGroup(stage)).toEqual([1]),
  ],
  [
    'session_scope: per_user',
    { session_scope: 'per_user' },
    async (stage) => expect(await keysInGroup(stage)).toEqual([2]),
  ],
  [
    'busy_mode: queue',
    { agent: 'slow', busy_mode: 'queue' },
    async (stage) => {
      const first = await whileBusy(stage, ['second', 'third'])
      await first.respond('done')
      await answered(stage.bot, stage.anna, 3)
      expect(asked(stage)).toEqual(['first', 'second', 'third'])
    },
  ],
  [
    'busy_mode: collect',
    { agent: 'slow', busy_mode: 'collect' },
    async (stage) => {
      const first = await whileBusy(stage, ['second', 'third'])
      await eventually(async () => (await statusOf(stage.gateway)).sessions.queued_messages === 2, stage.gateway)
      await first.respond('done')
      await answered(stage.bot, stage.anna, 2)
      expect(asked(stage)).toEqual(['first', 'second\n\nthird'])
    },
  ],
  [
    'busy_mode: interrupt',
    { agent: 'slow', busy_mode: 'interrupt' },
    async (stage) => {
      stage.model.always(({ messages }) => `answer to ${messages.at(-1)?.content}`)
      const first = stage.model.next()
      stage.anna.says(stage.bot, 'first')
      await first.arrived
      stage.anna.says(stage.bot, 'second')
      await first.closedByClient
      const [answer] = await answered(stage.bot, stage.anna, 1)
      expect(answer).toMatch(/^answer to .*second$/s)
    },
  ],
  [
    'busy_mode: steer',
    { agent: 'slow', busy_mode: 'steer' },
    async (stage) => {
      const first = await whileBusy(stage, ['/queue later', 'steering'])
      await eventually(async () => (await statusOf(stage.gateway)).sessions.queued_messages === 2, stage.gateway)
      await first.respond('done')
      await answered(stage.bot, stage.anna, 3)
      expect(asked(stage), 'a steering message goes ahead of what was queued').toEqual(['first', 'steering', 'later'])
    },
  ],
  [
    'queue_limit',
    { agent: 'slow', queue_limit: 1 },
    async (stage) => {
      const first = await whileBusy(stage, ['second', 'third'])
      const [refusal] = await answered(stage.bot, stage.anna, 1)
      expect(refusal).toContain('not kept')
      await first.respond('done')
      await answered(stage.bot, stage.anna, 3)
      expect(asked(stage)).toEqual(['first', 'second'])
    },
  ],
]

/** One gateway for all: each key is one channel's, and no other channel may notice it. */
const town = shared(async () => {
  const places = await Promise.all(
    KEYS.map(async ([title, keys]) => {
      const [api, model] = [await openTelegram(), await openModel()]
      // Privacy mode is off: what the bot ignores it ignores by its own policy.
      const bot = addBot(api, 'bot', { canReadAllGroupMessages: true })
      const anna = api.person({ username: 'anna' })
      return { title, keys, api, model, bot, anna, group: api.group({ members: [anna], bots: [bot] }) }
    }),
  )
  const folder = temporaryFolder()
  const path = writeFile(folder, {
    agents: { ...ECHO, ...Object.assign({}, ...places.map(({ model }, index) => modelAgents(model, [slow(index)]))) },
    channels: Object.fromEntries(
      places.map(({ api, bot, keys }, index) => [`tg${index}`, withKeys(telegram(api, bot), keys, slow(index))]),
    ),
  })
  const before = readFileSync(path)
  const gateway = await started(folder)
  return {
    gateway,
    placeOf: (title: string) => places.find((place) => place.title === title),
    fileIsAsItWas: () => readFileSync(path).equals(before),
  }
})

for (const [title, , proof] of KEYS) {
  scenarioInTurn(`S10 ${title}: an outside observer can tell, and the file stays as it is`, async () => {
    const { gateway, placeOf, fileIsAsItWas } = await town()
    const place = placeOf(title)
    if (place === undefined) throw new Error(`there is no channel for ${title}`)
    await proof({ ...place, gateway })
    expect(fileIsAsItWas(), 'the file is byte-identical').toBe(true)
  })
}

scenarioInTurn('S10 nor does a gateway with every key change the file when it ends', async () => {
  const { gateway, fileIsAsItWas } = await town()
  expect((await gateway.stop()).code).toBe(0)
  expect(fileIsAsItWas(), 'the file is byte-identical').toBe(true)
})

/** The agent that asks the model server of this place. */
function slow(index: number): string {
  return `slow_${index}`
}

function withKeys(standard: Record<string, unknown>, keys: Record<string, unknown>, slowAgent: string) {
  const closed = 'allowed_users' in keys ? { unknown_user_policy: 'deny' } : {}
  const asked = keys['agent'] === 'slow' ? { agent: slowAgent } : {}
  return { ...standard, ...closed, ...keys, ...asked }
}

/** How many sessions two people of one group make. */
async function keysInGroup(stage: Stage): Promise<number[]> {
  const before = await sessionsOf(stage)
  const berta = stage.api.person({ username: 'berta' })
  stage.anna.says(stage.group, mentioned(stage, 'one'))
  berta.says(stage.group, mentioned(stage, 'two'))
  await inGroup(stage, 2)
  return [(await sessionsOf(stage)) - before]
}

async function sessionsOf({ gateway }: Stage): Promise<number> {
  const { idle, pending, running, passivated } = (await statusOf(gateway)).sessions
  return idle + pending + running + passivated
}
