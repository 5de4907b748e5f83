// Routes: every path of the port, who may ask for it, and the function that answers.
// The one table that server.ts registers; a path that is not here does not exist.

import { actorEvents, listActors, listMachines, showMachine } from './actors.ts'
import { Refusal } from './answers.ts'
import type { Call } from './call.ts'
import { complete, listModels, showModel } from './completions.ts'
import { controlChannel, sendOutside } from './channel.ts'
import { page, pageFile } from './console.ts'
import { endInspection, openInspection } from './inspection.ts'
import { approvePairing, listDeadLetters, listPairings, reload, retryDeadLetter, revokePairing } from './operations.ts'
import { health, metrics, readiness, status, usage } from './reports.ts'
import { listSchedules } from './schedules.ts'
import { listSessions, showRecord, showSession, stopRun } from './sessions.ts'
import { conversationEvents, postMessage } from './web-channel.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /**
   * `open`: without the token. `read`: with it. `guarded`: with it, and refused to other web pages, because it changes
   * something or lasts.
   */
  readonly access: 'open' | 'read' | 'guarded'
  /** Also for the pages of `gateway.allowed_origins`: it is there for people, and not for the operator alone. */
  readonly shared?: true
  readonly answer: (call: Call) => Response | Promise<Response>
}

export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/healthz', access: 'open', answer: health },
  { method: 'GET', path: '/readyz', access: 'open', answer: readiness },
  // The page asks for the token itself; there is nothing in it that is not in the package.
  { method: 'GET', path: '/', access: 'open', answer: page },
  { method: 'GET', path: '/console/:file', access: 'open', answer: pageFile },

  { method: 'GET', path: '/status', access: 'read', answer: status },
  { method: 'GET', path: '/metrics', access: 'read', answer: metrics },
  { method: 'GET', path: '/usage', access: 'read', answer: usage },
  { method: 'POST', path: '/reload', access: 'guarded', answer: reload },
  { method: 'POST', path: '/inspect', access: 'guarded', answer: openInspection },
  { method: 'DELETE', path: '/inspect', access: 'guarded', answer: endInspection },

  { method: 'POST', path: '/channels/:channel/messages', access: 'guarded', shared: true, answer: postMessage },
  {
    method: 'GET',
    path: '/channels/:channel/conversations/:conversation/events',
    access: 'guarded',
    shared: true,
    answer: conversationEvents,
  },
  { method: 'POST', path: '/channels/:channel/send', access: 'guarded', answer: sendOutside },
  { method: 'POST', path: '/channels/:channel/pause', access: 'guarded', answer: controlChannel('pause') },
  { method: 'POST', path: '/channels/:channel/resume', access: 'guarded', answer: controlChannel('resume') },
  { method: 'POST', path: '/channels/:channel/reconnect', access: 'guarded', answer: controlChannel('reconnect') },

  { method: 'GET', path: '/v1/models', access: 'read', shared: true, answer: listModels },
  { method: 'GET', path: '/v1/models/:model', access: 'read', shared: true, answer: showModel },
  { method: 'POST', path: '/v1/chat/completions', access: 'guarded', shared: true, answer: complete },

  { method: 'GET', path: '/sessions', access: 'read', answer: listSessions },
  { method: 'GET', path: '/sessions/:key', access: 'read', answer: showSession },
  { method: 'GET', path: '/sessions/:key/record', access: 'read', answer: showRecord },
  { method: 'POST', path: '/sessions/:key/stop', access: 'guarded', answer: stopRun },

  { method: 'GET', path: '/machines', access: 'read', answer: listMachines },
  { method: 'GET', path: '/machines/:name', access: 'read', answer: showMachine },
  { method: 'GET', path: '/actors', access: 'read', answer: listActors },
  { method: 'GET', path: '/actors/:place/events', access: 'guarded', answer: actorEvents },

  { method: 'GET', path: '/schedules', access: 'read', answer: listSchedules },
  { method: 'GET', path: '/deadletters', access: 'read', answer: listDeadLetters },
  { method: 'POST', path: '/deadletters/:id/retry', access: 'guarded', answer: retryDeadLetter },
  { method: 'GET', path: '/pairings', access: 'read', answer: listPairings },
  { method: 'POST', path: '/pairings/:code/approve', access: 'guarded', answer: approvePairing },
  { method: 'DELETE', path: '/pairings/:channel/:user', access: 'guarded', answer: revokePairing },
]

/** Clients of the OpenAI API ask for what is not here, or have no /v1 in their base URL: they are told what there is. */
export function nothingAt(path: string): Refusal {
  return new Refusal(404, 'not_found', `There is nothing at this address${hintAt(path)}.`)
}

function hintAt(path: string): string {
  if (isOfOpenAi(path)) return ': of the OpenAI API there are /v1/models and /v1/chat/completions here'
  const isWithout = ROUTES.some((route) => route.path === `/v1${path}`)
  return isWithout ? ': the base URL of an OpenAI client ends in /v1 here' : ''
}

export function isOfOpenAi(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/')
}

/** Where pages from elsewhere may ask, and are told what they asked wrongly: all below /v1, what is there and what is not. */
export const SHARED_PATHS: readonly string[] = [
  '/v1/*',
  ...ROUTES.filter(({ path, shared }) => shared === true && !path.startsWith('/v1/')).map(({ path }) => path),
]
