// Gateway: the page's way to the port. Owns the token, which stays in this tab; every failure is a Problem in words.

const TOKEN = 'troupe.token'

/** A request that did not succeed. `status` 0: nobody answered. */
export class Problem extends Error {
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token)
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null
}

export async function status() {
  const response = await ask('/status')
  return response.json()
}

export function post(channel, message) {
  return ask(`/channels/${encodeURIComponent(channel)}/messages`, { method: 'POST', json: message })
}

export function openEvents(channel, conversation, { lastEventId, signal }) {
  const path = `/channels/${encodeURIComponent(channel)}/conversations/${encodeURIComponent(conversation)}/events`
  return ask(path, { headers: lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }, signal })
}

async function ask(path, { method = 'GET', json, headers = {}, signal } = {}) {
  const token = sessionStorage.getItem(TOKEN)
  const request = {
    method,
    signal,
    cache: 'no-store',
    headers: {
      ...headers,
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  }
  let response
  try {
    response = await fetch(path, request)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Problem(0, 'unreachable', 'The gateway does not answer.')
  }
  if (response.ok) return response
  const body = await response.json().catch(() => null)
  const { code = 'unknown', message = `The gateway answered with status ${response.status}.` } = body?.error ?? {}
  throw new Problem(response.status, code, message)
}
