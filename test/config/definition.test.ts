// Definitions: what a good file becomes. A1, A3, every key, defaults, the demo workforce, the example, the user's file untouched.

import { readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { demoDefinition } from '../../src/config/demo.ts'
import { loadFile } from '../../src/config/load.ts'
import { machineTimeZone } from '../../src/world.ts'
import { testAgent } from '../support/definitions.ts'
import { fixture, fixtureText, folder, loaded, spilled, unfrozen, withChannels, withGateway } from './support.ts'

const VARIABLES = {
  LINES_FILE: fixture('../own/lines.ts'),
  PORT: '4321',
  PRICE: '2',
  SLOW_FILE: fixture('slow.md'),
  TROUPE_TOKEN: 'gateway-token-value',
  KEY: 'local-key-value',
  HOSTED_KEY: 'hosted-key-value',
  SPARE_KEY: 'spare-key-value',
  TICKETS_KEY: 'tickets-key-value',
  DOCS: 'docs-key-value',
  GEMINI_API_KEY: 'gemini-key-value',
  SPEECH_KEY: 'speech-key-value',
  EYES_KEY: 'eyes-key-value',
  ZETA_TOKEN: '123456789:AAabcdefghijklmnopqrstuvwxyz0123456',
  LINES_TOKEN: 'lines-token-value',
}

const SECRET_VALUES = Object.values(VARIABLES).slice(4)

const USUAL_HOOK = { timeoutMs: 10_000, onFailure: 'go_on' } as const

function survivesRoundTrip(definition: unknown): boolean {
  try {
    expect(JSON.parse(JSON.stringify(definition))).toStrictEqual(definition)
    return true
  } catch {
    return false
  }
}

describe('a file that sets every key', () => {
  const { definition, secrets, missing, warnings } = loaded(fixtureText('every-key.yaml'), VARIABLES)

  test('every key arrives in the definition', () => {
    expect(definition.gateway).toEqual({
      host: '0.0.0.0',
      port: 4321,
      token: { secret: 'gateway.token' },
      data: resolve('../elsewhere'),
      drainMs: 7_000,
      concurrentRuns: 3,
      passivateAfterMs: 5_400_000,
      workdirKeepMs: 7_776_000_000,
      openaiApi: false,
      allowedOrigins: ['https://chat.example', 'http://localhost:5173'],
    })
    expect(definition.hooks).toEqual({
      'gateway.start': [{ kind: 'executable', path: resolve('bin/notify'), ...USUAL_HOOK }],
      dead_letter: [{ kind: 'module', path: resolve('hooks/letter.mjs'), ...USUAL_HOOK }],
    })
    expect(Object.values(definition.schedules)).toEqual([
      {
        name: 'morning',
        cron: '0 9 * * 1-5',
        timeZone: 'Europe/Berlin',
        agent: 'local',
        channel: 'zeta',
        conversation: '-1001234567890',
        text: 'What is due today?',
      },
      {
        name: expect.stringMatching(/^alpha-/),
        cron: '30 4 * * *',
        timeZone: machineTimeZone(),
        agent: null,
        channel: 'alpha',
        conversation: 'lobby',
        text: '/new',
      },
    ])
    expect(definition.agents).toEqual({
      slow: testAgent('slow', {
        instructions: 'Say it slowly.\n',
        model: { provider: 'echo', delayMs: 200 },
        tools: ['files', 'shell', 'http', 'memory'],
        mcp: {
          tickets: {
            transport: 'stdio',
            command: 'node',
            args: [{ secret: 'agents.slow.mcp.tickets.args[0]' }, { secret: 'agents.slow.mcp.tickets.args[1]' }],
            env: {
              KEY: { secret: 'agents.slow.mcp.tickets.env.KEY' },
              MODE: { secret: 'agents.slow.mcp.tickets.env.MODE' },
            },
            folder: resolve('.'),
            timeoutMs: 5_000,
          },
          docs: {
            transport: 'http',
            url: { secret: 'agents.slow.mcp.docs.url' },
            headers: { authorization: { secret: 'agents.slow.mcp.docs.headers.authorization' } },
            timeoutMs: 60_000,
          },
        },
        approval: {
          files_list: 'deny',
          files_read: 'allow',
          files_write: 'deny',
          files_edit: 'deny',
          files_delete: 'deny',
          shell: 'allow',
          'tickets.*': 'allow',
          'docs.find': 'deny',
        },
        approvalTimeoutMs: 120_000,
        approvers: ['12345', '@boss'],
        maxSteps: 7,
        runTimeoutMs: 180_000,
        workdir: { path: resolve('work') },
        requires: ['git', resolve('bin/report')],
        httpAllow: ['127.0.0.1:8080', 'intranet.example'],
        hooks: {
          'session.start': [{ kind: 'executable', path: resolve('bin/greet'), ...USUAL_HOOK }],
          'message.accepted': [
            { kind: 'module', path: resolve('hooks/clean.ts'), timeoutMs: 2_000, onFailure: 'refuse' },
          ],
          'run.end': [{ kind: 'executable', path: 'notify', ...USUAL_HOOK }],
        },
      }),
      local: testAgent('local', {
        instructions: 'You run here.',
        compactAt: 0.5,
        budget: { tokensPerDay: 2_000_000, per: 'agent' },
        vision: 'always',
        transcription: {
          provider: 'openai-compatible',
          name: 'whisper-1',
          baseUrl: 'http://127.0.0.1:8000/v1',
          apiKey: { secret: 'agents.local.transcription.api_key' },
          prices: { perMinute: 0.006, inputPerMillion: 0, outputPerMillion: 0 },
        },
        tools: ['files'],
        workdir: { path: resolve('work/inner') },
        model: {
          provider: 'openai-compatible',
          name: 'llama3.3',
          baseUrl: 'http://127.0.0.1:11434/v1',
          apiKey: { secret: 'agents.local.model.api_key' },
          contextTokens: 8_192,
          prices: null,
        },
      }),
      hosted: testAgent('hosted', {
        instructions: '',
        vision: 'never',
        describeWith: {
          provider: 'openai-compatible',
          name: 'eyes',
          baseUrl: 'http://127.0.0.1:11434/v1',
          apiKey: { secret: 'agents.hosted.vision.describe_with.api_key' },
          contextTokens: 32_768,
          prices: { inputPerMillion: 1, outputPerMillion: 2 },
        },
        model: {
          provider: 'anthropic',
          name: 'big',
          baseUrl: 'https://models.example/v1',
          apiKey: { secret: 'agents.hosted.model.api_key' },
          contextTokens: 200_000,
          prices: null,
        },
        fallbackModels: [
          {
            provider: 'openai-compatible',
            name: 'spare',
            baseUrl: 'http://127.0.0.1:11434/v1',
            apiKey: { secret: 'agents.hosted.fallback_models[0].api_key' },
            contextTokens: 32_768,
            prices: { inputPerMillion: 0.25, outputPerMillion: 2 },
          },
          {
            provider: 'google',
            name: 'small',
            baseUrl: null,
            apiKey: { secret: 'agents.hosted.fallback_models[1].api_key' },
            contextTokens: 128_000,
            prices: null,
          },
          { provider: 'echo', delayMs: 0 },
        ],
      }),
      short: testAgent('short', {
        instructions: '',
        model: {
          provider: 'google',
          name: 'small',
          baseUrl: null,
          apiKey: { secret: 'agents.short.model.api_key' },
          contextTokens: 128_000,
          prices: null,
        },
      }),
    })
    expect(definition.channels['zeta']).toEqual({
      id: 'zeta',
      platform: 'telegram',
      routes: { default: 'slow', dm: 'local', group: 'hosted' },
      allowedUsers: ['12345', '678', '@anna', '@ben'],
      unknownUserPolicy: 'pair',
      groupPolicy: 'respond_all',
      sessionScope: 'per_user',
      busyMode: 'collect',
      queueLimit: 5,
      partialAnswers: 'keep',
      reset: { idleMs: 5_400_000, daily: { atHour: 5, timeZone: 'America/New_York' } },
      token: { secret: 'channels.zeta.token' },
      apiRoot: 'http://127.0.0.1:9999',
      module: null,
      settings: {},
      lacking: [],
      missing: [],
    })
    expect(definition.channels['alpha']).toEqual({
      id: 'alpha',
      platform: 'web',
      routes: { default: 'short', dm: null, group: null },
      allowedUsers: ['anna'],
      unknownUserPolicy: 'pair',
      groupPolicy: 'mention_only',
      sessionScope: 'per_user',
      busyMode: 'steer',
      queueLimit: 9,
      partialAnswers: 'keep',
      reset: null,
      token: null,
      apiRoot: null,
      module: null,
      settings: {},
      lacking: [],
      missing: [],
    })
    expect(definition.channels['own']).toEqual({
      id: 'own',
      platform: 'module',
      routes: { default: 'short', dm: null, group: 'local' },
      allowedUsers: ['anna'],
      unknownUserPolicy: 'deny',
      groupPolicy: 'command_only',
      sessionScope: 'per_chat',
      busyMode: 'queue',
      queueLimit: 32,
      partialAnswers: 'keep',
      reset: null,
      token: { secret: 'channels.own.token' },
      apiRoot: null,
      module: VARIABLES.LINES_FILE,
      settings: { port: 6667, nick: 'cfo', loud: true },
      lacking: [],
      missing: [],
    })
    expect(missing).toEqual([])
    expect(warnings).toEqual([])
  })

  test('channels keep the order of the file', () =>
    expect(Object.keys(definition.channels)).toEqual(['zeta', 'alpha', 'own']))

  test('A1: the definition survives a JSON round trip and is frozen in every part', () => {
    expect(survivesRoundTrip(definition)).toBe(true)
    expect(unfrozen(definition)).toEqual([])
  })

  test('A1: the checks find what does not survive, and what is not frozen', () => {
    expect(survivesRoundTrip({ ...definition, started: new Date(0) })).toBe(false)
    expect(survivesRoundTrip({ ...definition, extra: undefined })).toBe(false)
    expect(unfrozen(Object.freeze({ gateway: { port: 1 } }))).toEqual(['$.gateway'])
  })

  test('A3: no secret value stands in the definition; each resolves through its reference', () => {
    expect(spilled(definition, SECRET_VALUES)).toEqual([])
    expect(spilled(inspect(secrets, { depth: 9, showHidden: true }) + String(secrets), SECRET_VALUES)).toEqual([])
    expect(secrets.values().toSorted()).toEqual(SECRET_VALUES.toSorted())
    const references = ['gateway.token', 'agents.local.model.api_key', 'agents.hosted.model.api_key']
    const mcp = ['agents.slow.mcp.tickets.env.KEY', 'agents.slow.mcp.docs.headers.authorization']
    const more = ['agents.short.model.api_key']
    const eyes = 'agents.hosted.vision.describe_with.api_key'
    const last = ['agents.local.transcription.api_key', eyes, 'channels.zeta.token', 'channels.own.token']
    const all = [...references, 'agents.hosted.fallback_models[0].api_key', ...mcp, ...more, ...last]
    const given = SECRET_VALUES.map((value) => (value === VARIABLES.DOCS ? `Bearer ${value}` : value))
    expect(all.map((secret) => secrets.resolve({ secret }))).toEqual(given)
  })

  test('A3: the check finds a value that was put into a definition', () => {
    const broken = { ...definition, oops: VARIABLES.ZETA_TOKEN }
    expect(spilled(broken, SECRET_VALUES)).toEqual([VARIABLES.ZETA_TOKEN])
  })
})

describe('defaults', () => {
  test('a channel and the gateway have the documented ones', () => {
    const { definition } = loaded(withChannels('  t: { platform: telegram, agent: cfo, token: x1 }'))
    expect(definition.channels['t']).toMatchObject({
      unknownUserPolicy: 'deny',
      groupPolicy: 'mention_only',
      sessionScope: 'per_chat',
      busyMode: 'queue',
      queueLimit: 32,
      partialAnswers: 'keep',
      apiRoot: 'https://api.telegram.org',
      allowedUsers: [],
    })
    expect(definition.gateway).toEqual({
      host: '127.0.0.1',
      port: 8765,
      token: null,
      data: resolve('.troupe'),
      drainMs: 20_000,
      concurrentRuns: 64,
      passivateAfterMs: 300_000,
      workdirKeepMs: 2_592_000_000,
      openaiApi: true,
      allowedOrigins: [],
    })
  })

  test.each([
    ['platform: web', 'allow'],
    ['platform: web, allowed_users: [anna]', 'deny'],
    ['platform: web, unknown_user_policy: deny', 'deny'],
    ['platform: telegram, token: x1', 'deny'],
  ])('strangers on { %s }: %s', (keys, policy) => {
    const { definition } = loaded(withChannels(`  a: { ${keys}, agent: cfo }`))
    expect(definition.channels['a']?.unknownUserPolicy).toBe(policy)
  })

  test.each([
    ['agent: cfo', { default: 'cfo', dm: null, group: null }],
    ['routes: { default: cfo }', { default: 'cfo', dm: null, group: null }],
    ['agent: cfo, routes: { default: cfo, dm: ops }', { default: 'cfo', dm: 'ops', group: null }],
    ['agent: cfo, routes: { group: ops }', { default: 'cfo', dm: null, group: 'ops' }],
  ])('{ %s } routes', (keys, routes) => {
    const { definition } = loaded(withChannels(`  t: { platform: telegram, token: x1, ${keys} }`))
    expect(definition.channels['t']?.routes).toEqual(routes)
  })

  test.each([
    ['drain: 0ms', 0],
    ['drain: 200ms', 200],
    ['drain: 20s', 20_000],
    ['drain: 5m', 300_000],
    ['drain: 2h', 7_200_000],
    ['drain: 1d', 86_400_000],
  ])('%s is %d ms', (line, ms) => expect(loaded(withGateway(line)).definition.gateway.drainMs).toBe(ms))
})

describe('the user and the file', () => {
  test('S10: the file is byte-identical after loading, and nothing is written beside it', async () => {
    const home = await folder()
    const path = join(home, 'gateway.yaml')
    await writeFile(path, fixtureText('every-key.yaml').replaceAll('\n', '\r\n'))
    const before = [await readFile(path, 'hex'), (await stat(path)).mtimeMs]
    const result = await loadFile(path, VARIABLES)
    expect(result.ok && result.loaded.definition.gateway.data).toBe(resolve(home, '../elsewhere'))
    expect(result.ok && result.loaded.file).toBe(path)
    expect([await readFile(path, 'hex'), (await stat(path)).mtimeMs]).toEqual(before)
  })

  test('the demo workforce needs no variable: three agents on three web channels', () => {
    const { definition, missing, warnings, secrets } = demoDefinition({})
    expect(Object.values(definition.channels).map((one) => [one.id, one.platform, one.routes.default])).toEqual([
      ['cfo', 'web', 'cfo'],
      ['ops', 'web', 'ops'],
      ['content', 'web', 'content'],
    ])
    expect(Object.values(definition.agents).map(({ model }) => model.provider)).toEqual(['echo', 'echo', 'echo'])
    expect(definition.gateway.data).toBe(resolve('.troupe'))
    expect([missing, warnings, secrets.values()]).toEqual([[], [], []])
    expect(unfrozen(definition)).toEqual([])
  })

  test('the example starts as it is, and with every commented line taken in', () => {
    const path = new URL('../../src/config/example.yaml', import.meta.url)
    return readFile(path, 'utf8').then((text) => {
      expect(Object.keys(loaded(text).definition.channels)).toEqual(['web'])
      expect(text).toMatch(/^# yaml-language-server: \$schema=/)
      const keys = text.replace(/^ {2}# (?=(host|token|drain|concurrent_runs|passivate_after|workdir_keep):)/gm, '  ')
      // The echo model reads no history, costs nothing and is never away: what is about that is for another.
      const real = keys.replace('model: echo', 'model: anthropic:NAME')
      const agents = real.replace(/^ {4}# (?=(?!model)\w+:)/gm, '    ')
      const whole = agents.replace(/^ {2}# (?= *\w+:)/gm, '  ').replace(/, group: another/, '')
      const { definition, warnings } = loaded(whole, {
        TROUPE_TOKEN: 'a',
        ASSISTANT_BOT_TOKEN: 'b',
        ANTHROPIC_API_KEY: 'c',
        OPENAI_API_KEY: 'd',
      })
      expect(definition.gateway.host).toBe('0.0.0.0')
      expect(definition.channels['telegram']?.allowedUsers).toEqual(['12345', '@anna'])
      expect(definition.agents['assistant']?.tools).toEqual(['files', 'shell', 'http', 'memory'])
      expect(warnings).toEqual([])
    })
  })

  test('the same path read twice gives equal definitions', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => loadFile(fixture('every-key.yaml'), VARIABLES)))
    expect(one?.ok && one.loaded.definition).toEqual(two?.ok && two.loaded.definition)
  })
})
