// Guards: who may ask at all. The bearer token, and what keeps other web pages out of a gateway on this machine.

import { createHash, timingSafeEqual } from 'node:crypto'
import { Refusal } from './answers.ts'

/** Throws unless the request carries the token; `token` is null when none is configured. */
export function checkToken(authorization: string | null, token: string | null): void {
  if (token === null) return
  const given = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]
  if (given !== undefined && sameText(given.trim(), token)) return
  const message =
    given === undefined
      ? 'This gateway asks for its token: send it as "Authorization: Bearer TOKEN".'
      : 'The token is wrong: it is not the one under gateway.token.'
  throw new Refusal(401, 'unauthorized', message).with({ 'WWW-Authenticate': 'Bearer realm="troupe"' })
}

/**
 * Throws when a gateway that listens on loopback only is addressed by a foreign name: a page whose name was pointed at
 * 127.0.0.1 would otherwise be of the same origin as the gateway.
 */
export function checkHost(host: string | null, boundHost: string): void {
  if (!isLoopback(boundHost) || host === null) return
  const name = hostname(host)
  if (name === boundHost || isLoopback(name)) return
  throw new Refusal(
    403,
    'host_not_allowed',
    'This gateway listens on this machine only and answers to its local names.',
  )
}

/** Throws when a browser says that another page makes this request. No Origin: not a browser, or a page of ours. */
export function checkOrigin(headers: Headers): void {
  const origin = headers.get('origin')
  const site = headers.get('sec-fetch-site')
  const foreignSite = site === 'cross-site' || site === 'same-site'
  const ours = origin === null ? !foreignSite : originHost(origin) === headers.get('host')?.toLowerCase()
  if (!ours) throw new Refusal(403, 'origin_not_allowed', 'Requests from other web pages are not taken.')
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Compares digests, so that neither length nor content shows in the time it takes. */
function sameText(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** `name:port` or `[v6]:port` without the port, in lower case. */
function hostname(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase()
}

function originHost(origin: string): string | null {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null
}
