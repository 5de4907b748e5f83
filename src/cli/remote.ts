// Remote: a running gateway, asked over its own HTTP port. The only file of the commands that makes requests.
//   A3. The token goes into one header and nowhere else.

import type { TranscriptEntry } from '../../machines/messages.ts'
import type { DeadLetterView, PairingView, RecordsPort, ScheduleView, SessionView, UsagePeriods } from '../start.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'

export interface Remote {
  readonly url: string
  /** The answer's body; null for 404 `unknown_…`. Throws CommandFailure with the gateway's own words for other refusals. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer | null>
}

type Answer = Readonly<Record<string, unknown>>

export interface RemoteOptions {
  readonly url: string
  readonly token: string | null
  /** The exit code when nothing answers. */
  readonly whenSilent: ExitCode
}

/** A gateway answers in milliseconds; one that needs longer is stuck. */
const ANSWER_MS_MAX = 10_000

export function remoteGateway(options: RemoteOptions): Remote {
  const url = options.url.replace(/\/+$/, '')
  return {
    url,
    async ask(method, path, body) {
      const response = await request(`${url}${path}`, options, { method, body })
      const answer = await answerOf(response)
      if (response.ok && answer !== null) return answer
      const error = errorOf(answer)
      if (response.status === 404 && error?.code.startsWith('unknown_') === true) return null
      const said = error?.message ?? `${url} answers ${response.status}, and not as a Troupe gateway does.`
      throw new CommandFailure(EXIT.failed, said)
    },
  }
}

async function request(
  address: string,
  { url, token, whenSilent }: RemoteOptions,
  { method, body }: { method: string; body: unknown },
): Promise<Response> {
  const headers = new Headers()
  if (token !== null) headers.set('Authorization', `Bearer ${token}`)
  if (body !== undefined) headers.set('Content-Type', 'application/json')
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  try {
    return await fetch(address, { method, headers, ...content, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  } catch (thrown) {
    throw new CommandFailure(whenSilent, `Nothing answers at ${url}${reasonOf(thrown)}. Is the gateway running there?`)
  }
}

async function answerOf(response: Response): Promise<Answer | null> {
  try {
    const answer: unknown = await response.json()
    return typeof answer === 'object' && answer !== null ? { ...answer } : null
  } catch {
    return null
  }
}

function errorOf(answer: Answer | null): { readonly code: string; readonly message: string } | null {
  const error = answer?.['error']
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return null
  return { code: String(error.code), message: String(error.message) }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return ''
  if (thrown.name === 'TimeoutError') return ` within ${ANSWER_MS_MAX / 1_000} s`
  const code = thrown.cause instanceof Error && 'code' in thrown.cause ? String(thrown.cause.code) : null
  return code === null ? '' : ` (${code})`
}

/** The same verbs as on a store that is opened directly. */
export function remoteRecords({ ask }: Remote): RecordsPort {
  return {
    sessions: async (limit) => rows<SessionView>(await ask('GET', `/sessions?limit=${limit}`), 'sessions'),
    async transcript(key) {
      const answer = await ask('GET', `/sessions/${encodeURIComponent(key)}`)
      if (answer === null) return null
      const entries = rows<TranscriptEntry & { readonly at: string }>(answer, 'transcript')
      return entries.map(({ at, ...entry }) => ({ ...entry, atMs: Date.parse(at) }))
    },
    async sessionUsage(key) {
      const answer = await ask('GET', `/sessions/${encodeURIComponent(key)}`)
      return answer?.['usage'] as UsagePeriods // Our own server's: http/sessions.ts.
    },
    async usage(limit) {
      const answer = await ask('GET', `/usage?limit=${limit}`)
      return { agents: rows(answer, 'agents'), users: rows(answer, 'users') }
    },
    schedules: async () => rows<ScheduleView>(await ask('GET', '/schedules'), 'schedules'),
    deadLetters: async (limit) => rows<DeadLetterView>(await ask('GET', `/deadletters?limit=${limit}`), 'dead_letters'),
    retryDeadLetter: async (id) => (await ask('POST', `/deadletters/${id}/retry`)) !== null,
    pairings: async () => rows<PairingView>(await ask('GET', '/pairings'), 'pairings'),
    async approvePairing(code) {
      const answer = await ask('POST', `/pairings/${encodeURIComponent(code)}/approve`)
      return answer === null ? null : (answer['pairing'] as PairingView) // Our own server's: http/operations.ts.
    },
    async revokePairing(channel, user) {
      const path = `/pairings/${encodeURIComponent(channel)}/${encodeURIComponent(user)}`
      return (await ask('DELETE', path)) !== null
    },
  }
}

function rows<T>(answer: Answer | null, name: string): readonly T[] {
  const list = answer?.[name]
  if (!Array.isArray(list)) throw new CommandFailure(EXIT.failed, `The gateway’s answer holds no ${name}.`)
  return list as T[] // Our own server's: its views are the same types.
}
