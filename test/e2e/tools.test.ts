// Tools, through the binary: an agent uses each of them and gives no secret away; what an agent lacks fails its channels by
// name, at the start and in doctor, and nothing else.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { troupe } from '../support/gateway-process.ts'
import type { WireCall } from '../support/model-request.ts'
import type { ModelServer } from '../support/model-server.ts'
import {
  addBot,
  ask,
  eventually,
  openModel,
  openTelegram,
  scenario,
  started,
  telegram,
  temporaryFolder,
  writeFile,
} from '../support/scenario.ts'

const INVOICE = `
type Input = { number: number }
export default {
  description: 'Writes an invoice.',
  parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
  call: ({ number }: Input, { sender }: { sender: { name: string } }) => ({ number, for: sender.name }),
}
`

/** The model asks for these, one answer after the other, and then says "done". */
function asking(model: ModelServer, ...answers: readonly (readonly [tool: string, input: object][])[]): void {
  const calls = (step: number): WireCall[] => {
    return (answers[step] ?? []).map(([name, input], index) => ({
      id: `call-${step}-${index}`,
      name,
      arguments: JSON.stringify(input),
    }))
  }
  model.always(({ messages }) => {
    const step = messages.filter(({ role }) => role === 'assistant').length
    return step < answers.length ? { chunks: [], calls: calls(step) } : 'done'
  })
}

/** What the model was told of its calls, in their order. */
function told(model: ModelServer): string[] {
  const { messages = [] } = model.requests.at(-1) ?? {}
  return messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '')
}

scenario('an agent uses files, shell, http, memory and a module, asked or not, and gives no secret away', async () => {
  const [api, model, folder] = [await openTelegram(), await openModel(), temporaryFolder()]
  const [bot, anna] = [addBot(api), api.person({ firstName: 'Anna' })]
  writeFileSync(join(folder, 'invoice.ts'), INVOICE)
  writeFileSync(join(folder, '.env'), 'MODEL_KEY=key-of-the-model\nOTHER=also-private\n')
  const { baseUrl } = model
  const asked = { provider: 'openai-compatible', name: 'test', base_url: baseUrl, api_key: '${MODEL_KEY}' }
  const agent = {
    model: asked,
    tools: ['files', 'shell', 'http', 'memory', './invoice.ts'],
    approval: { shell: 'allow', invoice: 'allow', http_request: 'deny' },
    workdir: 'per_run',
    http: { allow: [new URL(baseUrl).host] },
  }
  writeFile(folder, { agents: { cfo: agent }, channels: { one: telegram(api, bot) } })
  const gateway = await started(folder)
  const look = 'cat a.txt; env; cat ../../../.env ../../../gateway.yaml; cat /proc/*/environ | tr "\\0" "\\n"'
  asking(
    model,
    [
      ['files_write', { path: 'a.txt', content: 'hello' }],
      ['invoice', { number: 7 }],
      ['memory_add', { text: 'likes tea' }],
    ],
    [
      ['shell', { command: look }],
      ['http_get', { url: `${baseUrl}/models` }],
      ['http_get', { url: gateway.url }],
      ['http_request', { url: `${baseUrl}/models` }],
    ],
  )
  expect(await ask(bot, anna, 'go')).toBe('done')
  const [written, invoice, noted, shell = '', models, own, denied] = told(model)
  expect([written, JSON.parse(invoice ?? ''), noted]).toEqual([
    '[5 bytes are written]',
    { number: 7, for: 'Anna' },
    '[note 1]',
  ])
  expect(shell).toMatch(/^hello[\s\S]*\[exit code \d+\]$/)
  expect(models).toContain(`[200 from ${baseUrl}/models`)
  expect(own).toContain('is not on the public internet')
  expect(denied).not.toContain('200')
  const everything =
    JSON.stringify(model.requests.map(({ messages }) => messages)) + gateway.output() + gateway.errors()
  expect(everything).not.toContain('key-of-the-model')
  expect(everything).not.toContain(bot.token)
  await eventually(async () => readdirSync(join(folder, '.troupe/work')).length === 0, gateway)
})

scenario(
  'S05 what an agent lacks fails its own channels, with its name and what to do, in start and in doctor',
  async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'broken.ts'), 'export default { description: "" }')
    const echo = { model: 'echo' }
    const agents = {
      cfo: echo,
      printer: { ...echo, requires: ['no-such-program', 'sh'] },
      broken: { ...echo, tools: ['./broken.ts'] },
      homeless: { ...echo, tools: ['files'], workdir: './nowhere' },
    }
    const channels = Object.fromEntries(
      Object.keys(agents).map((agent) => [`web_${agent}`, { platform: 'web', agent }]),
    )
    const file = writeFile(folder, { agents, channels })
    const gateway = await started(folder)
    const { live, of, text } = await gateway.rollCall()
    expect([live, of]).toEqual([1, 4])
    expect(text).toMatch(
      /web_printer is failed: requires: no-such-program is not in PATH\. Install no-such-program, or take it out/,
    )
    expect(text).toMatch(
      /web_broken is failed: construct: the tool broken\.ts has no usable description\. .*start again/,
    )
    expect(text).toMatch(/web_homeless is failed: requires: the work folder .*nowhere is not there\. .*start again/)
    const doctor = await troupe(['doctor', '--config', file])
    expect(doctor.code).toBe(1)
    expect(doctor.output).toMatch(/^✗ +executables +no-such-program is not in PATH\./m)
    expect(doctor.output).toMatch(/^✗ +tools of broken +the tool broken\.ts has no usable description\./m)
    expect(doctor.output).toMatch(/^✗ +tools of homeless +the work folder .*nowhere is not there\./m)
  },
)

scenario('doctor says what is there, and what commands would see', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'invoice.ts'), INVOICE)
  const agents = { cfo: { model: 'echo', tools: ['shell', './invoice.ts'], requires: ['sh', '/bin/sh'] } }
  const file = writeFile(folder, { agents, channels: { web: { platform: 'web', agent: 'cfo' } } })
  const doctor = await troupe(['doctor', '--config', file])
  expect(doctor).toMatchObject({ code: 0 })
  expect(doctor.output).toMatch(/^✓ +executables +sh, \/bin\/sh$/m)
  expect(doctor.output).toMatch(
    /^✓ +tools of cfo +shell, invoice; (commands do not see|this system gives commands no)/m,
  )
  expect(readdirSync(folder).toSorted()).toEqual(['gateway.yaml', 'invoice.ts'])
})
