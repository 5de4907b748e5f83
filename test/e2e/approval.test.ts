// Approvals, steering and steps, through the binary: a module of a user's own, Telegram's buttons, a model server.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { BotHandle, Person } from '../support/bot-api/server.ts'
import type { Exchange } from '../support/model-server.ts'
import {
  addBot,
  answered,
  answers,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  scenario,
  SOON_MS,
  started,
  telegram,
  temporaryFolder,
  writeFile,
} from '../support/scenario.ts'
import { type Place, type PlaceKeys, sharedGateway } from '../support/shared-gateway.ts'

/** Writes down that it was called, and is at work for as long as the file `hold` lies beside it. It does not hear its signal. */
const WRITE = `
import { appendFileSync, existsSync } from 'node:fs'
const beside = (name) => new URL(name, import.meta.url)
export default {
  description: 'writes a line',
  parameters: { type: 'object', properties: { line: { type: 'string' } }, required: ['line'] },
  async call({ line }) {
    appendFileSync(beside('calls.log'), line + '\\n')
    while (existsSync(beside('hold'))) await new Promise((resolve) => setTimeout(resolve, 10))
    appendFileSync(beside('calls.log'), line + ' done\\n')
    return 'wrote ' + line
  },
}`

const write = (id: string, line: string) => ({ id, name: 'write', arguments: JSON.stringify({ line }) })

const town = sharedGateway()

/** An agent that may write. */
const mayWrite = (keys: Record<string, unknown> = {}): PlaceKeys => ({
  agent: (folder) => ({ tools: [`${folder}/write.js`], ...keys }),
  files: { 'write.js': WRITE },
})

const ALLOWED = { approval: { write: 'allow' } }

/** Anna, and a first turn of hers whose model asks to write. */
function writing({ api, bot, model, folder }: Pick<Place, 'api' | 'bot' | 'model' | 'folder'>) {
  const anna = api.person({ username: 'anna' })
  const asks = async (...lines: string[]): Promise<void> => {
    const first = model.next()
    anna.says(bot, 'write it down')
    await first.respond({ chunks: [], calls: lines.map((line, index) => write(`call-${index + 1}`, line)) })
  }
  const hold = join(folder, 'hold')
  const calls = (): string[] => {
    const log = join(folder, 'calls.log')
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
  }
  return { anna, asks, hold, calls }
}

/** The same on a gateway of its own. */
async function writingAlone(keys: Record<string, unknown> = {}) {
  const [api, model] = [await openTelegram(), await openModel()]
  const bot = addBot(api)
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'write.js'), WRITE)
  const agent = { ...modelAgents(model)['cfo'], tools: ['./write.js'], ...keys }
  writeFile(folder, { agents: { cfo: agent }, channels: { tg: telegram(api, bot) } })
  const gateway = await started(folder)
  return { model, bot, folder, gateway, ...writing({ api, bot, model, folder }) }
}

/** What the tools of the last answer gave, as the model is told. */
async function resultsIn(exchange: Exchange): Promise<string[]> {
  const { messages } = await exchange.arrived
  return messages.filter(({ role }) => role === 'tool').map(({ content }) => content)
}

function buttonsFor(bot: BotHandle, person: Person): string[] {
  return bot.shown(person.id).flatMap(({ buttons }) => buttons.flat().map(({ data }) => data ?? ''))
}

town.scenario(
  'S39 S40 two approvals wait: each button decides the call that it shows; that very run goes on',
  mayWrite(),
  async (place) => {
    const { model, bot } = place
    const { anna, asks, calls } = writing(place)
    await asks('one', 'two')
    const [first = '', second = ''] = await answered(bot, anna, 2)
    expect(
      [first, second].map((text) => /cfo\S* asks to use write:\s+\{\s+"line": "(\w+)"\s+\}/.exec(text)?.[1]),
    ).toEqual(['one', 'two'])
    const [approveOne = '', denyOne = '', approveTwo = ''] = buttonsFor(bot, anna)
    const next = model.next()
    anna.presses(bot, approveTwo)
    await answered(bot, anna, 3)
    expect(calls()).toEqual([])
    anna.presses(bot, denyOne)
    expect(await resultsIn(next)).toEqual(['Not done: it was denied. Do not try it again in another way.', 'wrote two'])
    await next.respond('One of them.')
    expect((await answered(bot, anna, 5)).slice(2)).toEqual([
      expect.stringContaining('Approved: write'),
      expect.stringContaining('Denied: write'),
      'One of them.',
    ])
    anna.presses(bot, approveOne)
    expect((await answered(bot, anna, 6)).at(-1)).toBe('There is nothing to approve.')
    expect(calls()).toEqual(['two', 'two done'])
  },
)

town.scenario(
  'S39 nobody answers: after approval_timeout it is a no, and the run goes on',
  mayWrite({ approval_timeout: '1s' }),
  async (place) => {
    const { model, bot } = place
    const { anna, asks, calls } = writing(place)
    await asks('one')
    await answered(bot, anna, 1)
    expect(await resultsIn(model.next())).toEqual(['Not done: nobody approved it in time.'])
    expect(calls()).toEqual([])
  },
)

scenario('S39 kill -9 while an approval waits: it still waits afterwards, and its button still works', async () => {
  const { model, bot, anna, asks, calls, gateway, folder } = await writingAlone()
  await asks('one')
  await answered(bot, anna, 1)
  await gateway.kill9()
  const again = await started(folder)
  const next = model.next()
  anna.presses(bot, buttonsFor(bot, anna)[0] ?? '')
  expect(await resultsIn(next)).toEqual(['wrote one'])
  await next.respond('Done.')
  // The prompt's receipt may have been lost with the process: it then stands there twice, and its record says so.
  await bot.waitFor(() => answers(bot, anna).at(-1) === 'Done.', SOON_MS)
  expect([calls(), again.hasEnded]).toEqual([['one', 'one done'], false])
})

scenario(
  'S42 kill -9 in the middle of a tool: finished steps are not repeated, nor is what may have happened',
  async () => {
    const { model, bot, anna, asks, calls, gateway, folder, hold } = await writingAlone(ALLOWED)
    await asks('one')
    const second = model.next()
    expect(await resultsIn(second)).toEqual(['wrote one'])
    writeFileSync(hold, '')
    await second.respond({ chunks: [], calls: [write('call-9', 'two')] })
    await eventually(async () => calls().includes('two'), gateway)
    await gateway.kill9()
    rmSync(hold)
    const third = model.next()
    await started(folder)
    const results = await resultsIn(third)
    expect(results[0]).toBe('wrote one')
    expect(results[1]).toContain('The outcome of this call is unknown')
    await third.respond('I do not know.')
    expect(await answered(bot, anna, 1)).toEqual(['I do not know.'])
    expect(calls()).toEqual(['one', 'one done', 'two'])
    expect(model.requests).toHaveLength(3)
  },
)

town.scenario(
  'S32 S38 /stop while a tool hangs and ignores its signal: confirmed at once, and the model is asked no more',
  mayWrite(ALLOWED),
  async (place) => {
    const { model, bot } = place
    const { anna, asks, calls, hold } = writing(place)
    writeFileSync(hold, '')
    await asks('one')
    await eventually(async () => calls().length === 1)
    anna.says(bot, '/stop')
    expect(await answered(bot, anna, 1)).toEqual(['Stopped.'])
    rmSync(hold)
    await eventually(async () => calls().length === 2)
    const next = model.next()
    anna.says(bot, 'still there?')
    await next.respond('Yes.')
    expect(await answered(bot, anna, 2)).toEqual(['Stopped.', 'Yes.'])
    expect(model.requests).toHaveLength(2)
  },
)

town.scenario(
  'S23 /steer reaches the run before its next answer; after the last tool it is a turn of its own',
  mayWrite(ALLOWED),
  async (place) => {
    const { model, bot, gateway } = place
    const { anna, asks, calls, hold } = writing(place)
    writeFileSync(hold, '')
    await asks('one')
    await eventually(async () => calls().length === 1, gateway)
    anna.says(bot, '/steer in French')
    anna.says(bot, '/status')
    expect((await answered(bot, anna, 1))[0]).toContain('Waiting: 1')
    const second = model.next()
    rmSync(hold)
    expect((await second.arrived).messages.at(-1)).toEqual({ role: 'user', content: 'in French' })
    anna.says(bot, '/steer and short')
    anna.says(bot, '/status')
    await answered(bot, anna, 2)
    await second.respond('C’est fait.')
    const third = model.next()
    expect((await third.arrived).messages.at(-1)).toEqual({ role: 'user', content: 'and short' })
    await third.respond('Fait.')
    expect((await answered(bot, anna, 4)).slice(2)).toEqual(['C’est fait.', 'Fait.'])
  },
)

scenario('S44 SIGTERM while an approval waits: it is a no, the run answers, and the process ends', async () => {
  const { model, bot, anna, asks, calls, gateway } = await writingAlone()
  await asks('one')
  await answered(bot, anna, 1)
  const next = model.next()
  const ending = gateway.stop()
  await next.respond('Then not.')
  expect(await ending).toMatchObject({ code: 0 })
  expect([answers(bot, anna).at(-1), calls()]).toEqual(['Then not.', []])
})

const INTERRUPT = { channel: { busy_mode: 'interrupt' } }

town.scenario(
  'S20 an interrupt keeps what was seen of the answer in the history, once',
  INTERRUPT,
  async ({ api, bot, model }) => {
    const anna = api.person()
    const [first, second] = [model.next(), model.next()]
    anna.says(bot, 'count')
    await first.chunk('one, two')
    // Its pieces are shown to Anna as drafts before the interrupt comes.
    await bot.waitFor((seen) => seen.calls.some(({ method }) => method === 'sendMessageDraft'))
    anna.says(bot, 'in French')
    await first.closedByClient
    expect((await second.arrived).messages.map(({ content }) => content)).toEqual([
      'You are cfo.',
      'count',
      'one, two',
      'in French',
    ])
    await second.respond('un, deux')
    expect(await answered(bot, anna, 1)).toEqual(['un, deux'])
  },
)
