// HTTP fetch: one request of an agent, its redirects included, within bounds of time and size.
//   H1. A name is resolved once, every address of it is judged, and the connection goes to one of these and no other: what the
//       name says a moment later changes nothing.
//   H2. Each redirect is judged like the first address.
//   Nothing of it is open when the promise settles.

import { lookup as systemLookup } from 'node:dns'
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createUnzip } from 'node:zlib'
import type { World } from '../world.ts'
import { cancelled, codeOf, refused, tookTooLong } from './failures.ts'
import { hostOfAddress, isListed, isPublic, targetOf } from './http-address.ts'

export interface Fetching {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** null: none. */
  readonly body: string | null
  readonly signal: AbortSignal
}

export interface FetchParts {
  /** Hosts that are not public and may be reached all the same. */
  readonly allow: readonly string[]
  readonly world: World
  /** The system's, or a test's. */
  readonly resolve: Resolve
}

/** Every address of a name. */
export type Resolve = (name: string) => Promise<readonly string[]>

export interface Fetched {
  readonly status: number
  /** The last one, after redirects. */
  readonly url: string
  readonly contentType: string
  /** As much of the body as one call reads. */
  readonly bytes: Buffer
  /** There was more. */
  readonly isCut: boolean
}

/** One call, its redirects included. */
export const FETCH_MS_MAX = 30_000

/** Read of a body, after it was unpacked; most pages are a tenth of it. */
export const BODY_BYTES_MAX = 1024 * 1024

const REDIRECTS_MAX = 5

export async function fetchOnce(fetching: Fetching, parts: FetchParts): Promise<Fetched> {
  const ending = new AbortController()
  const stop = (reason: Error): void => ending.abort(reason)
  const cancel = (): void => stop(cancelled())
  const timer = parts.world.clock.setTimeout(() => stop(tookTooLong('the request', FETCH_MS_MAX)), FETCH_MS_MAX)
  if (fetching.signal.aborted) cancel()
  fetching.signal.addEventListener('abort', cancel, { once: true })
  try {
    return await follow({ ...fetching, signal: ending.signal }, parts)
  } finally {
    parts.world.clock.clearTimeout(timer)
    fetching.signal.removeEventListener('abort', cancel)
    ending.abort()
  }
}

/** The system's resolver: the hosts file, then DNS. */
export const resolveName: Resolve = (name) =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, found) => {
      if (error === null) resolve(found.map(({ address }) => address))
      else reject(error)
    })
  })

// --- redirects --------------------------------------------------------------------------------------------------------

async function follow(first: Fetching, parts: FetchParts): Promise<Fetched> {
  let fetching = first
  for (let redirects = 0; ; redirects += 1) {
    const url = urlOf(fetching.url)
    const addresses = await raced(addressesFor(url, parts), fetching.signal)
    const response = await send(fetching, url, addresses)
    const location = response.headers.location
    const status = response.statusCode ?? 0
    if (!REDIRECTS.has(status) || location === undefined) return read(response, url, fetching.signal)
    response.destroy()
    if (redirects === REDIRECTS_MAX) throw refused(`there were more than ${REDIRECTS_MAX} redirects`)
    fetching = redirected(fetching, url, { status, location })
  }
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** As browsers do it: what is sent again is sent as it was, everything else becomes a GET; credentials stay with their host. */
function redirected(before: Fetching, from: URL, { status, location }: { status: number; location: string }): Fetching {
  const to = URL.parse(location, from.href)
  if (to === null) throw refused('a redirect leads to something that is no address')
  const keeps = status === 307 || status === 308 || before.method === 'GET' || before.method === 'HEAD'
  const headers = to.origin === from.origin ? before.headers : withoutCredentials(before.headers)
  return { ...before, url: to.href, headers, ...(keeps ? {} : { method: 'GET', body: null }) }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(authorization|cookie|proxy-.*|.*(key|token|secret).*)$/i.test(name),
  )
  return Object.fromEntries(kept)
}

// --- addresses --------------------------------------------------------------------------------------------------------

function urlOf(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw refused('this is no address: give it whole, with http:// or https://')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('only http and https are spoken here')
  if (url.username !== '' || url.password !== '') throw refused('an address must not hold a user name or password')
  return url
}

/** H1: what the connection may go to; rejects when any of it is not allowed. */
async function addressesFor(url: URL, { allow, resolve }: FetchParts): Promise<readonly string[]> {
  const target = targetOf(url)
  const bare = target.host.replace(/^\[|\]$/g, '')
  const addresses = isIP(bare) > 0 ? [bare] : await resolve(bare).catch(() => [])
  if (addresses.length === 0) throw refused(`there is no host ${target.host}`)
  if (isListed(allow, target)) return addresses
  const bad = addresses.find((address) => {
    return !isPublic(address) && !isListed(allow, { host: hostOfAddress(address), port: target.port })
  })
  if (bad === undefined) return addresses
  throw refused(`${target.host} is not on the public internet (${bad}), and http: allow does not list it`)
}

// --- one request ------------------------------------------------------------------------------------------------------

function send({ method, headers, body, signal }: Fetching, url: URL, addresses: readonly string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const start = url.protocol === 'https:' ? secureRequest : plainRequest
  let request: ClientRequest
  try {
    request = start(url, {
      method,
      headers: { 'user-agent': 'troupe', 'accept-encoding': 'identity', accept: '*/*', ...headers },
      // A connection of its own: none is kept that was made for another check.
      agent: false,
      lookup: answering(addresses),
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
    })
  } catch (thrown) {
    throw refused('the request has a header or an address that cannot be sent', thrown)
  }
  request.on('error', (error) => reject(failureOf(error, url, signal)))
  request.on('response', (response) => {
    // Its reader hears of it; when nobody reads any more, nobody needs to.
    response.on('error', () => {})
    resolve(response)
  })
  request.end(body ?? undefined)
  return promise
}

const HEADER_BYTES_MAX = 16 * 1024

/** A resolver that knows one answer. */
function answering(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_, options, callback) => {
    const [first] = found
    if (options.all === true) callback(null, found)
    else callback(null, first?.address ?? '', first?.family ?? 4)
  }
}

async function read(response: IncomingMessage, url: URL, signal: AbortSignal): Promise<Fetched> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of unpacked(response)) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      length += bytes.length
      if (length > BODY_BYTES_MAX) break
    }
  } catch (thrown) {
    throw failureOf(thrown, url, signal)
  } finally {
    response.destroy()
  }
  return {
    status: response.statusCode ?? 0,
    url: url.href,
    contentType: response.headers['content-type'] ?? '',
    bytes: Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX),
    isCut: length > BODY_BYTES_MAX,
  }
}

/** Some servers pack although nobody asked them to. */
function unpacked(response: IncomingMessage): Readable {
  const how = (response.headers['content-encoding'] ?? '').toLowerCase()
  if (how === '' || how === 'identity') return response
  const unpack = how === 'br' ? createBrotliDecompress() : createUnzip()
  response.on('error', (error) => unpack.destroy(error))
  return response.pipe(unpack)
}

function failureOf(thrown: unknown, url: URL, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : cancelled()
  const code = codeOf(thrown)
  return refused(`${url.host} did not answer as it should${code === '' ? '' : ` (${code})`}`, thrown)
}

function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = (): void => reject(signal.reason instanceof Error ? signal.reason : cancelled())
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  return Promise.race([promise, ended]).finally(() => signal.removeEventListener('abort', end))
}
