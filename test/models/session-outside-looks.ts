// Looks: what the port says of one session: its place in the list, its transcript, its dead letters.

import type { GatewayProcess } from '../support/gateway-process.ts'
import { kindOf } from './session-subject.ts'

/** A session as the port shows it; one that nobody has spoken to yet is idle and empty. */
export interface SessionSeen {
  readonly state: string
  /** Messages that have not come to an end, those of the turn too. */
  readonly waiting: number
  /** Turns since the last `/new`, without undone ones, as role and text; from a summary on. */
  readonly history: readonly string[]
}

interface Entry {
  readonly role: string
  readonly turn: string
  readonly text: string
}

/** What a text says, without its words. From outside a model fails by refusing the request. */
export function kindSeen(text: string): string {
  return /^I could not answer: .*server refused the request/.test(text) ? 'failure: away' : kindOf(text)
}

export async function sessionIn(gateway: GatewayProcess, key: string): Promise<SessionSeen> {
  const list = await readJson<{ sessions: readonly { key: string; state: string; waiting: number }[] }>(
    gateway,
    `/sessions?search=${encodeURIComponent(key)}`,
  )
  const session = list.sessions.find((each) => each.key === key)
  if (session === undefined) return { state: 'idle', waiting: 0, history: [] }
  const { transcript } = await readJson<{ transcript: readonly Entry[] }>(
    gateway,
    `/sessions/${encodeURIComponent(key)}`,
  )
  return { state: session.state, waiting: session.waiting, history: historyOf(transcript) }
}

export async function deadLettersOf(gateway: GatewayProcess, conversation: string): Promise<number> {
  const { dead_letters } = await readJson<{ dead_letters: readonly { conversation: string }[] }>(
    gateway,
    '/deadletters',
  )
  return dead_letters.filter((letter) => letter.conversation === conversation).length
}

export async function readJson<T>(gateway: GatewayProcess, path: string): Promise<T> {
  const response = await gateway.request(path)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T // The routes' shapes are proved in test/http.
}

/** The transcript keeps everything; the history is what no later entry took out of it, from the last summary on. */
function historyOf(transcript: readonly Entry[]): string[] {
  let history: Entry[] = []
  for (const entry of transcript) {
    if (entry.role === 'reset') history = []
    else if (entry.role === 'undo') history = history.filter(({ turn }) => turn !== history.at(-1)?.turn)
    else history.push(entry)
  }
  const summary = history.findLastIndex(({ role }) => role === 'summary')
  return history
    .slice(Math.max(0, summary))
    .map(({ role, text }) => (role === 'failure' ? kindSeen(text) : `${role} ${text.replaceAll(/ of \d+/g, '')}`))
}
