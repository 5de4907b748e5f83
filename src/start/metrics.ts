// Metrics: the gateway's state in Prometheus' text format, filled in at the moment of asking, and behind it what was counted.
// Cardinality is bounded: channels and states are labels, sessions and people never are.

import type { Status } from '../http/port.ts'
import type { StoreCounts } from '../store/store.ts'

export interface Measured {
  readonly status: Status
  readonly counts: StoreCounts
}

export interface Metrics {
  text(measured: Measured): Promise<string>
}

const CHANNEL_STATES = ['connecting', 'live', 'retrying', 'failed', 'paused', 'stopped'] as const

/** One per gateway; its library is loaded by the first who asks, and what happened before is in `counted`. */
export function createMetrics(counted: readonly { text(): string }[]): Metrics {
  let loaded: Promise<Metrics> | null = null
  return {
    async text(measured) {
      loaded ??= loadMetrics()
      const state = await (await loaded).text(measured)
      return `${state.trimEnd()}\n\n${counted.map((each) => each.text()).join('')}`
    },
  }
}

/** It also watches the process: memory, event loop, garbage collection. */
async function loadMetrics(): Promise<Metrics> {
  const { collectDefaultMetrics, Gauge, Registry } = await import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register })
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [register] })
  const uptime = gauge('troupe_uptime_seconds', 'Seconds since the start.')
  const channels = gauge('troupe_channel_state', '1 for the state that a channel is in.', ['channel', 'state'])
  const sessions = gauge('troupe_sessions', 'Sessions by state.', ['state'])
  const queued = gauge('troupe_queued_messages', 'Messages that wait in inboxes.')
  const messages = gauge('troupe_messages', 'Messages in the store by how they ended.', ['outcome'])
  const outbox = gauge('troupe_outbox', 'Replies that are not delivered yet.')
  const deadLetters = gauge('troupe_dead_letters', 'Messages that nobody handled or received.')
  const problems = gauge('troupe_configuration_problems', 'Problems of the file; over 0 an earlier one is in force.')

  return {
    text({ status, counts }) {
      uptime.set(status.uptime_s)
      // A channel that was taken out of the file is in no report any more.
      channels.reset()
      for (const channel of status.channels) {
        for (const state of CHANNEL_STATES)
          channels.set({ channel: channel.id, state }, Number(channel.state === state))
      }
      const { queued_messages, ...states } = status.sessions
      for (const [state, count] of Object.entries(states)) sessions.set({ state }, count)
      queued.set(queued_messages)
      for (const [outcome, count] of Object.entries(counts.messages)) messages.set({ outcome }, count)
      outbox.set(status.outbox)
      deadLetters.set(status.dead_letters)
      problems.set(status.configuration.problems.length)
      return register.metrics()
    },
  }
}
