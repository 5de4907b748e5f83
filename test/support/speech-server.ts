// Speech server: the transcription route of the OpenAI API over real HTTP, whose every answer a test gives.
//   What a real server refuses, it refuses: another type of body, a field that is unknown, a file whose name has no end that it
//   knows, an empty file, a wrong key. A refused request is in `refused`.
//   A request is answered by `answer`; while that is null it is held open.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SpeechServer {
  /** For `base_url`: ends in /v1. */
  readonly baseUrl: string
  /** What came to be transcribed, in the order of arrival. */
  readonly heard: Heard[]
  readonly refused: string[]
  /** How many times its list of models was asked for. */
  probes: number
  /** A text, with what it took or without; or what fails. */
  answer: ((heard: Heard) => string | Counted | { readonly status: number; readonly message: string }) | null
  /** Resolves when so many requests came. */
  came(count: number): Promise<void>
  /** Resolves when a client has left before its answer. */
  readonly left: Promise<void>
  close(): Promise<void>
}

export interface Counted {
  readonly text: string
  /** Seconds, as servers of `verbose_json` say it. */
  readonly duration?: number
  /** As OpenAI says it. */
  readonly usage?: object
}

export interface Heard {
  readonly model: string
  readonly fileName: string
  readonly bytes: Buffer
  /** The bearer token; empty: none. */
  readonly key: string
}

const FIELDS = new Set(
  ['file', 'model', 'language', 'prompt', 'response_format', 'temperature'].concat('timestamp_granularities[]'),
)
const ENDS = /\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$/

export async function startSpeechServer(options: { readonly key?: string } = {}): Promise<SpeechServer> {
  const left = Promise.withResolvers<void>()
  const watchers = new Set<() => void>()
  const server = createServer((incoming, outgoing) => {
    receive(incoming, outgoing).catch((error: unknown) => {
      speech.refused.push(String(error))
      outgoing.destroy()
    })
  })

  async function receive(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const refuse = (status: number, message: string): void => {
      speech.refused.push(message)
      sendJson(outgoing, status, { error: { message, type: 'error', param: null, code: null } })
    }
    const key = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? '')?.[1] ?? ''
    if (options.key !== undefined && key !== options.key) return refuse(401, 'incorrect API key provided')
    if (incoming.method === 'GET' && incoming.url === '/v1/models') {
      speech.probes += 1
      return sendJson(outgoing, 200, { object: 'list', data: [{ id: 'whisper-1', object: 'model' }] })
    }
    if (incoming.method !== 'POST' || incoming.url !== '/v1/audio/transcriptions') return refuse(404, 'no such route')
    const heard = await readForm(incoming, key)
    if (typeof heard === 'string') return refuse(400, heard)
    outgoing.on('close', () => {
      if (!outgoing.writableEnded) left.resolve()
    })
    speech.heard.push(heard)
    for (const watcher of watchers) watcher()
    const answered = speech.answer?.(heard)
    if (typeof answered === 'string') sendJson(outgoing, 200, { text: answered })
    else if (answered !== undefined && 'text' in answered) sendJson(outgoing, 200, answered)
    else if (answered !== undefined) refuse(answered.status, answered.message)
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const speech: SpeechServer = {
    // A listening TCP server has an AddressInfo; the other forms are for pipes.
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    heard: [],
    refused: [],
    probes: 0,
    answer: null,
    left: left.promise,
    came: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (speech.heard.length >= count) resolve()
        }
        watchers.add(look)
        look()
      }),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
  return speech
}

/** What is wrong with it, when it is no request for a transcription. */
async function readForm(incoming: IncomingMessage, key: string): Promise<Heard | string> {
  const type = incoming.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return 'the body is no form'
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } }).formData()
  const unknown = [...form.keys()].find((name) => !FIELDS.has(name))
  if (unknown !== undefined) return `unrecognized request argument: ${unknown}`
  const [model, file] = [form.get('model'), form.get('file')]
  if (typeof model !== 'string' || model === '') return 'you must provide a model'
  if (!(file instanceof File)) return 'you must provide a file'
  if (!ENDS.test(file.name)) return `invalid file format: ${file.name}`
  const bytes = Buffer.from(await file.arrayBuffer())
  return bytes.length === 0 ? 'the file is empty' : { model, fileName: file.name, bytes, key }
}

function sendJson(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' })
  outgoing.end(JSON.stringify(body))
}
