// Media, through the binary: what people send reaches the model, what cannot be read is told, and each file is fetched once.
// One gateway serves all that needs no end of its own: an agent that hears and sees, one that does neither, and one that is told what
// another model sees.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { BotHandle, Person } from '../support/bot-api/server.ts'
import { type GatewayProcess, troupe } from '../support/gateway-process.ts'
import { oggVoice, zip } from '../support/received.ts'
import {
  addBot,
  answered,
  answers,
  countCalls,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  run,
  scenario,
  started,
  statusOf,
  telegram,
  temporaryFolder,
  textOf,
  whenDone,
  writeFile,
} from '../support/scenario.ts'
import { startSpeechServer } from '../support/speech-server.ts'

const KEY = 'key-of-the-speech-server'

/** A model, a server for speech and a Telegram; `cfo` hears and sees, `ops` does neither, to `content` pictures are described. */
async function media() {
  const [api, model, speech] = [await openTelegram(), await openModel(), await startSpeechServer({ key: KEY })]
  whenDone(() => speech.close())
  model.always(({ messages }) => `re: ${messages.at(-1)?.content}`)
  const { cfo, ops, content } = modelAgents(model, ['cfo', 'ops', 'content'])
  const transcription = { provider: 'openai-compatible', name: 'whisper-1', base_url: speech.baseUrl, api_key: KEY }
  const eyes = { provider: 'openai-compatible', name: 'eyes', base_url: model.baseUrl, api_key: KEY }
  const [bot, deaf, blind] = [addBot(api), addBot(api), addBot(api)]
  const file = {
    agents: {
      cfo: { ...cfo, vision: 'always', transcription, tools: ['files'] },
      ops,
      content: { ...content, vision: { describe_with: eyes } },
    },
    channels: {
      tg: telegram(api, bot),
      deaf: telegram(api, deaf, { agent: 'ops' }),
      blind: telegram(api, blind, { agent: 'content' }),
      web: { platform: 'web', agent: 'cfo' },
    },
  }
  return { api, model, speech, bot, deaf, blind, file, anna: api.person({ firstName: 'Anna' }) }
}

/** What the bot says next to what is sent. */
async function reply(bot: BotHandle, person: Person, send: () => unknown, count = 1): Promise<string[]> {
  const before = answers(bot, person).length
  send()
  return (await answered(bot, person, before + count)).slice(before)
}

/** A form of the web channel, as a browser sends it; what it was answered with. */
async function posts(gateway: GatewayProcess, id: string, text: string, ...files: readonly File[]) {
  const form = new FormData()
  for (const [name, value] of Object.entries({ conversation: 'c', user: 'anna', text, message_id: id }))
    form.append(name, value)
  for (const file of files) form.append('file', file)
  const response = await gateway.request('/channels/web/messages', { method: 'POST', body: form })
  return [response.status, await response.json()]
}

const fileOf = (bytes: Uint8Array, name: string): File => new File([Uint8Array.from(bytes)], name)
const waiting = (folder: string): string[] => readdirSync(join(folder, '.troupe/uploads'))

const received = (folder: string): string[] => {
  const work = join(folder, '.troupe/work')
  return (existsSync(work) ? readdirSync(work) : []).flatMap((name) => readdirSync(join(work, name, 'received')))
}

scenario('S13 S14 S24 what people send reaches the model, and what cannot be read is told', async () => {
  const { model, speech, bot, deaf, blind, file, anna } = await media()
  const { folder, gateway } = await run(file)
  speech.answer = () => 'buy milk'
  const last = () => model.requests.at(-1)?.messages.at(-1)

  // A voice message, and a second message while it is transcribed: one run, and the second one after it.
  anna.sendsVoice(bot, { seconds: 3 })
  anna.says(bot, 'and eggs')
  const [first, second] = await answered(bot, anna, 2)
  expect([first, second]).toEqual([expect.stringContaining('] buy milk'), 're: and eggs'])
  expect(model.requests[0]?.messages.at(-1)?.content).toMatch(
    /^\[voice message, 0:03: received\/\d+-1-\w{5}-voice\.ogg\] buy milk$|^\[voice message, 0:03\] buy milk$/,
  )
  expect(model.requests[1]?.messages.map(({ content }) => content).join()).toContain('buy milk')
  expect(speech.heard.map(({ fileName, key }) => [fileName, key])).toEqual([['audio.ogg', KEY]])

  // A photo, and a question about it afterwards.
  const photo = Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.from('a cat')])
  await reply(bot, anna, () => anna.sendsPhoto(bot, { content: photo, caption: 'what is it?' }))
  expect(last()?.images).toEqual([photo])
  await reply(bot, anna, () => anna.says(bot, 'are you sure?'))
  expect(model.requests.at(-1)?.messages.flatMap(({ images = [] }) => images)).toEqual([photo])

  // An album: one turn with its three pictures.
  const before = model.requests.length
  await reply(bot, anna, () => anna.sendsAlbum(bot, 3, 'which one?'))
  expect(model.requests.length).toBe(before + 1)
  expect(last()?.images).toHaveLength(3)
  expect(last()?.content.match(/\[picture: received\//g)).toHaveLength(3)

  // A document as its text; one that is not text by its place in the work folder, whatever it is called.
  await reply(bot, anna, () => anna.sendsDocument(bot, { fileName: 'table.csv', content: 'a,b\n1,2' }))
  expect(last()?.content).toContain('\na,b\n1,2\n[end of the document]')
  await reply(bot, anna, () =>
    anna.sendsDocument(bot, {
      fileName: '../../../etc/passwd.txt',
      mimeType: 'text/plain',
      content: zip('x'.repeat(999)),
    }),
  )
  const [, name = ''] = /received\/(\d+-1-\w{5}-passwd\.txt)\]/.exec(last()?.content ?? '') ?? []
  expect(received(folder)).toContain(name)

  // What cannot be read: too large for Telegram, a server that refuses, an agent without eyes and ears.
  const large = await reply(bot, anna, () => anna.sendsVoice(bot, { content: oggVoice('x'.repeat(21 * 1024 * 1024)) }))
  expect(large[0]).toContain('it is larger than 20.0 MB. Send a smaller one.')
  speech.answer = () => ({ status: 500, message: `no ${KEY}` })
  const refused = await reply(bot, anna, () => anna.sendsVoice(bot))
  expect(refused[0]).toContain("the transcription's server has a problem of its own (500)")
  const [notice, answer] = await reply(deaf, anna, () => anna.sendsPhoto(deaf, { caption: 'look' }), 2)
  expect(notice).toBe(
    'The picture could not be read: this agent’s model takes no pictures. Say in words what it shows.',
  )
  expect(answer).toContain('re: look')
  expect((await reply(deaf, anna, () => anna.sendsVoice(deaf)))[0]).toContain('this agent has no transcription')

  // Over the web a file comes with its message, and is prepared as any other.
  speech.answer = () => 'and a dog'
  const sent = [
    fileOf(photo, 'cat.jpg'),
    fileOf(oggVoice(), 'note.ogg'),
    fileOf(Buffer.from('a,b\n3,4'), 'figures.csv'),
  ]
  expect(await posts(gateway, 'm1', 'what is on it?', ...sent)).toEqual([202, { accepted: true, duplicate: false }])
  await eventually(async () => last()?.content.startsWith('what is on it?'), gateway)
  expect(last()?.images).toEqual([photo])
  expect(last()?.content).toMatch(
    /^what is on it\?\n\[picture cat\.jpg: received\/\d+-1-\w{5}-cat\.jpg\]\n\[recording note\.ogg\] and a dog\n\[document figures\.csv, 7 bytes\]\na,b\n3,4\n/,
  )
  const files = waiting(folder)
  expect(await posts(gateway, 'm1', 'what is on it?', ...sent)).toEqual([202, { accepted: true, duplicate: true }])
  expect([files.length, waiting(folder)]).toEqual([3, files])
  expect(received(folder).filter((name) => /-(cat\.jpg|note\.ogg|figures\.csv)$/.test(name))).toHaveLength(3)
  expect(await posts(gateway, 'm2', 'x', fileOf(Buffer.alloc(20_000_001), 'large.bin'))).toEqual([
    413,
    { error: { code: 'too_large', message: 'The file "large.bin" is larger than 20.0 MB.' } },
  ])
  expect(waiting(folder)).toEqual(files)

  // A model that takes no pictures is told what another one sees.
  await reply(blind, anna, () => anna.sendsPhoto(blind, { content: photo, caption: 'what is it?' }))
  const [looked, asked] = model.requests.slice(-2)
  expect(looked).toMatchObject({ model: 'eyes', key: KEY, messages: [{ role: 'system' }, { images: [photo] }] })
  expect(asked).toMatchObject({ model: 'test', key: null })
  expect(asked?.messages.at(-1)).toEqual({
    role: 'user',
    content: expect.stringMatching(
      /^what is it\?\n\[picture; another model’s [^\]]+\]\n> re: The message[^]*\n> what is it\?$/,
    ),
  })

  // Each file once, and no token or key in anything that was said.
  expect(countCalls(bot, 'download')).toBe(countCalls(bot, 'getFile'))
  expect(countCalls(deaf, 'getFile')).toBe(0)
  const said = gateway.output() + gateway.errors() + JSON.stringify([answers(bot, anna), answers(deaf, anna)])
  for (const secret of [bot.token, deaf.token, KEY]) expect(said).not.toContain(secret)
  expect(model.refused).toEqual([])
})

scenario('S15 /stop while a file is fetched or transcribed closes it, and the session is free', async () => {
  const { speech, bot, file, anna } = await media()
  const cfo = { ...file.agents.cfo, workdir: 'per_run' }
  const { folder, gateway } = await run({ ...file, agents: { ...file.agents, cfo } })
  const folders = () => readdirSync(join(folder, '.troupe/work'))
  bot.faults.next('download', { kind: 'hang' })
  anna.sendsVoice(bot)
  const download = await bot.waitFor(() => bot.calls.find(({ method }) => method === 'download'))
  expect((await statusOf(gateway)).sessions).toMatchObject({ pending: 1, running: 0 })
  expect(folders()).toHaveLength(1)
  expect(await reply(bot, anna, () => anna.says(bot, '/stop'))).toEqual(['Stopped.'])
  await bot.waitFor(() => download.aborted)
  await eventually(async () => folders().length === 0, gateway)

  anna.sendsVoice(bot)
  await speech.came(1)
  expect(await reply(bot, anna, () => anna.says(bot, '/stop'))).toEqual(['Stopped.'])
  await speech.left
  // What was stopped stays in the history as what it was.
  expect((await reply(bot, anna, () => anna.says(bot, 'hello')))[0]).toMatch(/voice message, 0:02\][\s\S]*hello$/)
})

scenario(
  'S15 a crash or a shutdown while media are prepared: answered after the restart, nothing fetched twice',
  async () => {
    const { speech, bot, file, anna } = await media()
    const { folder, gateway } = await run(file)
    anna.sendsVoice(bot)
    await speech.came(1)
    await eventually(async () => received(folder).length === 1, gateway)
    expect(await posts(gateway, 'm1', '', fileOf(oggVoice('over the web'), 'note.ogg'))).toMatchObject([202, {}])
    await speech.came(2)
    // One that is cut off with the process: it belongs to no message, and nobody was told that it is kept.
    const [kept = ''] = waiting(folder)
    const half = beginPost(gateway)
    await eventually(async () => waiting(folder).length === 2, gateway)
    await gateway.kill9()
    half.destroy()
    expect(waiting(folder)).toHaveLength(2)
    const second = await started(folder)
    await eventually(async () => waiting(folder).length === 1, second)
    expect(waiting(folder)).toEqual([kept])
    await speech.came(4)
    // A shutdown now: what waits is answered after the next start.
    const { code } = await second.stop()
    expect(code).toBe(0)
    speech.answer = () => 'still here'
    const third = await started(folder)
    const [answer = ''] = await answered(bot, anna, 1)
    expect(answer).toContain('] still here')
    await eventually(async () => (await textOf(third, '/sessions/web%2Fc')).includes('re: [recording note.ogg'), third)
    expect([countCalls(bot, 'download'), speech.heard.length]).toEqual([1, 6])
    expect(
      speech.heard.map(({ bytes }) => bytes.toString('latin1').slice(-8)).filter((end) => end === ' the web'),
    ).toHaveLength(3)
  },
)

/** A form whose file does not come to its end. */
function beginPost(gateway: GatewayProcess): ClientRequest {
  const headers = { 'content-type': 'multipart/form-data; boundary=XX' }
  const sent = request(`${gateway.url}/channels/web/messages`, { method: 'POST', headers, agent: false })
  sent.on('error', () => {})
  sent.write('--XX\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of it')
  return sent
}

scenario('doctor asks a transcription who we are, and sends no speech', async () => {
  const { speech, file } = await media()
  const folder = temporaryFolder()
  const path = writeFile(folder, file)
  const well = await troupe(['doctor', '--config', path])
  expect(well.output).toMatch(/transcription of cfo.*openai-compatible:whisper-1/)
  expect(well.output).toMatch(
    /description of pictures for content .*"eyes" is not known at its provider, which has any/,
  )
  expect([speech.probes, speech.heard]).toEqual([1, []])
  const { cfo } = file.agents
  const wrong = { ...cfo, transcription: { ...cfo.transcription, api_key: 'wrong-key-of-somebody' } }
  writeFile(folder, { ...file, agents: { ...file.agents, cfo: wrong } })
  const ill = await troupe(['doctor', '--config', path])
  expect(ill.code).toBe(1)
  expect(ill.output + ill.errors).toMatch(/transcription of cfo[\s\S]*credential was refused \(401\)/)
  expect(ill.output + ill.errors).not.toContain('wrong-key-of-somebody')
})

scenario('a newer file gives a running gateway a transcription', async () => {
  const { speech, bot, file, anna } = await media()
  const { transcription: _, ...deafened } = file.agents.cfo
  const { folder, gateway } = await run({ ...file, agents: { ...file.agents, cfo: deafened } })
  speech.answer = () => 'hello'
  expect((await reply(bot, anna, () => anna.sendsVoice(bot)))[0]).toContain('no transcription')
  writeFile(folder, file)
  gateway.signal('SIGHUP')
  await eventually(async () => {
    const [answer = ''] = await reply(bot, anna, () => anna.sendsVoice(bot))
    return answer.includes('] hello')
  }, gateway)
  expect(readFileSync(join(folder, 'gateway.yaml'), 'utf8')).toContain(KEY)
})
