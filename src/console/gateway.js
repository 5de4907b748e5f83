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

/** An address of parts, each encoded, with a query of what is neither null nor empty. */
function path(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '')
  const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return `/${parts.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

async function get(parts, query) {
  const response = await ask(path(parts, query))
  return response.json()
}

export const status = () => get(['status'])
export const sessions = (query) => get(['sessions'], query)
export const record = (key, before) => get(['sessions', key, 'record'], { before, limit: 60 })
export const machine = (name) => get(['machines', name])
export const actors = (query) => get(['actors'], query)
export const deadLetters = () => get(['deadletters'])
export const pairings = () => get(['pairings'])

export const stopRun = (key) => ask(path(['sessions', key, 'stop']), { method: 'POST' })
export const control = (channel, verb) => ask(path(['channels', channel, verb]), { method: 'POST' })
export const retryDeadLetter = (id) => ask(path(['deadletters', id, 'retry']), { method: 'POST' })
export const approvePairing = (code) => ask(path(['pairings', code, 'approve']), { method: 'POST' })
export const revokePairing = (channel, user) => ask(path(['pairings', channel, user]), { method: 'DELETE' })
export const post = (channel, message, files) =>
  ask(path(['channels', channel, 'messages']), { method: 'POST', ...bodyOf(message, files) })

function bodyOf(message, files) {
  if (files.length === 0) return { body: JSON.stringify(message), headers: { 'Content-Type': 'application/json' } }
  const body = new FormData()
  for (const [name, value] of Object.entries(message)) body.append(name, value)
  for (const file of files) body.append('file', file)
  // The browser says its type, with the boundary that it chose.
  return { body }
}

export function openConversation(channel, conversation) {
  return ({ lastEventId, signal }) => {
    const headers = lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }
    return ask(path(['channels', channel, 'conversations', conversation, 'events']), { headers, signal })
  }
}

export function openActor(place) {
  return ({ signal }) => ask(path(['actors', place, 'events']), { signal })
}

async function ask(address, { method = 'GET', body, headers = {}, signal } = {}) {
  const token = sessionStorage.getItem(TOKEN)
  const request = {
    method,
    body,
    signal,
    cache: 'no-store',
    headers: { ...headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
  }
  let response
  try {
    response = await fetch(address, request)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Problem(0, 'unreachable', 'The gateway does not answer.')
  }
  if (response.ok) return response
  const answer = await response.json().catch(() => null)
  const { code = 'unknown', message = `The gateway answered with status ${response.status}.` } = answer?.error ?? {}
  throw new Problem(response.status, code, message)
}
