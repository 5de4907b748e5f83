// Talks: what people, clients and operators do with a gateway, each from its beginning to its end, in a conversation of its own. Each
// resolves when nothing of it is under way, or rejects and says what did not come.

import type { Town } from './town.ts'

export type Talk = (town: Town, name: string) => Promise<void>

/** Beyond it something is stuck. */
const ANSWER_MS_MAX = 20_000

export const TALKS: Readonly<Record<string, Talk>> = {
  'a page that is open': async (town, name) => {
    const page = await watch(town, 'web', name)
    await say(town, 'web', name, 'hello')
    await page.until('"assistant"')
    await page.leave()
  },
  'a page that is left': async (town, name) => {
    const page = await watch(town, 'echo', name)
    await page.leave()
    await say(town, 'echo', name, 'hello')
  },
  'a file': async (town, name) => {
    const form = new FormData()
    for (const [key, value] of Object.entries({ conversation: name, user: name, text: 'read' })) form.set(key, value)
    form.set('file', new Blob(['line\n'.repeat(500)], { type: 'text/plain' }), 'lines.txt')
    await taken(town, '/channels/web/messages', { method: 'POST', body: form })
  },
  'a run that is stopped': (town, name) => sayInRun(town, name, { text: '/stop', shows: 'Stopped' }),
  'a run that is interrupted': (town, name) => sayInRun(town, name, { text: 'hello', shows: 'what I say.' }),
  'a chat': (town) => chat(town, 'hello'),
  'a tool': (town) => chat(town, 'write'),
  'a command': (town) => chat(town, 'run'),
  'an MCP server': (town) => chat(town, 'ask'),
  'a client of the OpenAI API': async (town) => {
    await (await complete(town, { stream: false })).json()
  },
  'one that streams': async (town, name) => {
    await (await complete(town, { stream: true, user: name })).text()
  },
  'one that goes away': async (town, name) => {
    const leaving = new AbortController()
    const asked = complete(town, { stream: true, user: name, text: 'hang' }, leaving.signal)
    const left = asked.then((response) => response.text()).catch(() => {})
    setTimeout(() => leaving.abort(), 50)
    await left
  },
  'an operator who looks': async ({ gateway }) => {
    for (const path of ['/status', '/metrics', '/usage', '/actors', '/sessions', '/deadletters', '/'])
      await (await gateway.request(path)).text()
  },
  'a new file': async (town) => {
    town.changeFile()
    await taken(town, '/reload', { method: 'POST' })
  },
  'a channel that is paused': async (town) => {
    for (const control of ['pause', 'resume']) await taken(town, `/channels/aside/${control}`, { method: 'POST' })
  },
}

async function taken({ gateway }: Town, path: string, init: RequestInit): Promise<void> {
  const response = await gateway.request(path, init)
  const said = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${said}`)
}

function posted(body: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

async function say(town: Town, channel: string, conversation: string, text: string): Promise<void> {
  await taken(town, `/channels/${channel}/messages`, posted({ conversation, user: conversation, text }))
}

/** To a run that would never end. */
async function sayInRun(
  town: Town,
  name: string,
  { text, shows }: { readonly text: string; readonly shows: string },
): Promise<void> {
  const page = await watch(town, 'web', name)
  await say(town, 'web', name, 'hang')
  await page.until('"running"')
  await say(town, 'web', name, text)
  await page.until(shows)
  await page.leave()
}

interface Asked {
  readonly stream: boolean
  readonly user?: string
  readonly text?: string
}

function complete({ gateway }: Town, { text = 'hello', ...asked }: Asked, signal?: AbortSignal): Promise<Response> {
  const body = { model: 'talker', messages: [{ role: 'user', content: text }], ...asked }
  return gateway.request('/v1/chat/completions', { ...posted(body), ...(signal === undefined ? {} : { signal }) })
}

async function chat({ api, bot }: Town, text: string): Promise<void> {
  const person = api.person()
  person.says(bot, text)
  await bot.waitFor(() => bot.shown(person.id).some((message) => /say\.$/.test(message.text)), ANSWER_MS_MAX)
}

interface Page {
  /** Resolves once the page was shown this. */
  until(text: string): Promise<void>
  leave(): Promise<void>
}

async function watch({ gateway }: Town, channel: string, conversation: string): Promise<Page> {
  const leaving = new AbortController()
  const path = `/channels/${channel}/conversations/${conversation}/events`
  const { body } = await gateway.request(path, { signal: leaving.signal })
  if (body === null) throw new Error(`${path} answered with nothing`)
  const reading = body.pipeThrough(new TextDecoderStream()).getReader()
  let shown = ''
  return {
    async until(text) {
      const late = setTimeout(() => leaving.abort(new Error(`${path} never showed ${text}:\n${shown}`)), ANSWER_MS_MAX)
      while (!shown.includes(text)) {
        const { value, done } = await reading.read()
        if (done) throw new Error(`${path} ended before it showed ${text}:\n${shown}`)
        shown += value
      }
      clearTimeout(late)
    },
    async leave() {
      leaving.abort()
      await reading.cancel().catch(() => {})
    },
  }
}
