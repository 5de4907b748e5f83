// Telegram download: one file from a Bot API server, piece by piece, within a bound.
//   A3. The address holds the token: no error from here says it, and no redirect is followed with it.
//   Once it has settled its connection is closed.

import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { sizeText } from '../../machines/media.ts'
import type { Fetching } from './adapter.ts'

type Download = Pick<Fetching, 'bytesMax' | 'signal' | 'take'>

/** `root` ends in the token. Rejects with a FailureError; what `take` rejects with is passed on. */
export async function download(root: string, path: string, { bytesMax, signal, take }: Download): Promise<void> {
  const url = addressOf(root, path)
  const response = await begin(url, signal)
  try {
    const status = response.statusCode ?? 0
    if (status !== 200) throw refusal(status)
    if (Number(response.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax)
    let bytes = 0
    for await (const piece of pieces(response)) {
      bytes += piece.length
      if (bytes > bytesMax) throw tooLarge(bytesMax)
      await take(piece)
      if (signal.aborted) throw broken('the download was ended')
    }
    if (!response.complete) throw broken('the connection broke within the file')
  } finally {
    response.destroy()
  }
}

function addressOf(root: string, path: string): URL {
  // A Bot API server that was started with --local keeps files on its own disk, and names them by their place there.
  if (path.startsWith('/')) throw new FailureError(ON_ITS_DISK)
  const names = path.split('/')
  const url = URL.parse(`${root}/${names.map(encodeURIComponent).join('/')}`)
  const isOdd = names.some((name) => name === '' || name === '.' || name === '..')
  if (url === null || !/^https?:$/.test(url.protocol) || isOdd)
    throw broken('Telegram named no file that can be fetched')
  return url
}

function begin(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(broken('the download was ended'))
    // A connection of its own: one that is left in the middle of a file is of no further use.
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { agent: false, signal })
    request.once('response', resolve)
    request.on('error', (error) => reject(broken(`the connection failed (${codeOf(error)})`)))
    request.end()
  })
}

async function* pieces(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* response as AsyncIterable<Buffer>
  } catch (thrown) {
    throw broken(`the connection broke within the file (${codeOf(thrown)})`)
  }
}

function refusal(status: number): FailureError {
  if (status === 404) {
    const message = 'Telegram does not have it any more'
    return new FailureError({ kind: 'permanent', reason: 'notFound', message, remedy: 'Send it again' })
  }
  return broken(`Telegram answered ${status}`)
}

function tooLarge(bytesMax: number): FailureError {
  const message = `it is larger than ${sizeText(bytesMax)}`
  return new FailureError({ kind: 'permanent', reason: 'refused', message, remedy: 'Send a smaller one' })
}

function broken(message: string): FailureError {
  return new FailureError({ kind: 'retryable', reason: 'unavailable', message, remedy: 'Send it again' })
}

const ON_ITS_DISK: Failure = {
  kind: 'permanent',
  reason: 'refused',
  message: 'this Bot API server keeps files on its own disk',
  remedy: 'Whoever runs it can start it without --local',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
}
