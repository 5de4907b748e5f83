// Port: what a measurement asks of a running gateway: to take a message, whether it is quiet, what it counts.

import { type Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Posted {
  readonly conversation: string
  readonly text: string
}

/** Resolves when it is on disk; `url` is that of the channel's messages. */
export function postMessage(url: string, agent: Agent, { conversation, text }: Posted): Promise<void> {
  const body = JSON.stringify({ conversation, user: 'anna', text })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 202) resolve()
        else reject(new Error(`A message was answered with ${response.statusCode} instead of 202.`))
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const LOOK_MS = 25
const LOOKS_MAX = 4_800

/** What `/status` says of the work that is left. */
export interface Left {
  readonly pending: number
  readonly running: number
  readonly queued: number
  readonly outbox: number
}

/** Until everything that was accepted is answered and delivered. */
export function untilQuiet(url: string): Promise<void> {
  return untilLeft(url, ({ pending, running, queued, outbox }) => pending + running + queued + outbox === 0)
}

export async function untilLeft(url: string, isSo: (left: Left) => boolean): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const response = await fetch(`${url}/status`)
    if (isSo(leftIn(await response.json()))) return
    await sleep(LOOK_MS)
  }
  throw new Error('The gateway did not finish what it had accepted.')
}

function leftIn(status: unknown): Left {
  const of = (place: unknown, name: string): number => {
    const count: unknown = typeof place === 'object' && place !== null ? Reflect.get(place, name) : undefined
    if (typeof count !== 'number') throw new Error(`The status does not say ${name}.`)
    return count
  }
  const sessions: unknown = typeof status === 'object' && status !== null ? Reflect.get(status, 'sessions') : undefined
  return {
    pending: of(sessions, 'pending'),
    running: of(sessions, 'running'),
    queued: of(sessions, 'queued_messages'),
    outbox: of(status, 'outbox'),
  }
}

/** A figure of `/metrics`, by its name with its labels. */
export async function figuresOf(url: string): Promise<(name: string) => number> {
  const response = await fetch(`${url}/metrics`)
  const lines = (await response.text()).split('\n')
  return (name) => {
    const line = lines.find((each) => each.startsWith(`${name} `))
    if (line === undefined) throw new Error(`The gateway counts no ${name}.`)
    return Number(line.slice(name.length + 1))
  }
}
