// Tally: counts what is observed, from the first moment on, for /metrics.
//   M2. Cardinality is bounded: channels, agents, their MCP servers and closed sets of words are labels; sessions, people and tools never are.

import type { GatewayDefinition } from '../../machines/definitions.ts'
import type { Activity, Ending, Happening, Observe } from '../actors/observe.ts'
import type { World } from '../world.ts'
import { counter, type Family, histogram, secondsBetween } from './series.ts'

export interface Tally extends Observe {
  /** In Prometheus' text format. */
  text(): string
}

/** A write and its flush: from a disk in memory to one that is in trouble. */
const DISK_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** A platform or a preparation: from a millisecond to the deadlines of limits.ts. */
const SHORT_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** A model, and a run of many answers and tools. */
const LONG_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900]

export function createTally({ channels }: Pick<GatewayDefinition, 'channels'>, world: World): Tally {
  const families = createFamilies()
  // A rate needs a beginning: what never happened in a channel is 0 there, and not unknown.
  for (const channel of Object.keys(channels)) families.accepted.add([channel], 0)

  return {
    begin(activity) {
      const begunAtMs = world.nowMs()
      return (ending) => count(families, activity, { ending, seconds: secondsBetween(begunAtMs, world.nowMs()) })
    },
    note: (happening) => note(families, happening),
    text: () =>
      Object.values<Family>(families)
        .map((family) => family.text())
        .join(''),
  }
}

type Families = ReturnType<typeof createFamilies>

function createFamilies() {
  return { ...messageFamilies(), ...durationFamilies() }
}

function messageFamilies() {
  return {
    accepted: counter({
      name: 'troupe_messages_accepted_total',
      help: 'Messages that were written down, once each.',
      labels: ['channel'],
    }),
    duplicates: counter({
      name: 'troupe_messages_duplicate_total',
      help: 'Messages that a platform sent again.',
      labels: ['channel'],
    }),
    refused: counter({
      name: 'troupe_messages_refused_total',
      help: 'Messages that were turned away at the door, or found their inbox full.',
      labels: ['channel', 'reason'],
    }),
    settled: counter({
      name: 'troupe_messages_settled_total',
      help: 'Accepted messages by how they ended: answered, discarded on the sender’s word, dead.',
      labels: ['channel', 'outcome'],
    }),
    runs: counter({
      name: 'troupe_runs_total',
      help: 'Runs by how they ended.',
      labels: ['agent', 'outcome'],
    }),
    replies: counter({
      name: 'troupe_replies_total',
      help: 'Replies by how their delivery ended; one that was drained is delivered after the next start.',
      labels: ['channel', 'outcome'],
    }),
    tokens: counter({
      name: 'troupe_tokens_total',
      help: 'Tokens as the providers count them; what they did not tell of a request is estimated.',
      labels: ['agent', 'direction'],
    }),
    estimated: counter({
      name: 'troupe_tokens_estimated_total',
      help: 'As many of those tokens as are an estimate: of requests that were cut, above all.',
      labels: ['agent', 'direction'],
    }),
    speech: counter({
      name: 'troupe_speech_seconds_total',
      help: 'Seconds of speech that were made text.',
      labels: ['agent'],
    }),
    restarts: counter({
      name: 'troupe_restarts_total',
      help: 'What a supervisor started again.',
      labels: ['what'],
    }),
    mcp: counter({
      name: 'troupe_mcp_servers_total',
      help: 'MCP servers that became ready, ended by themselves or failed to start, or failed too often.',
      labels: ['agent', 'server', 'became'],
    }),
  }
}

function durationFamilies() {
  return {
    pending: histogram({
      name: 'troupe_pending_seconds',
      help: 'From the claim of a turn to its run: the rest of an album, a slot, preparation.',
      labels: ['outcome'],
      bounds: SHORT_SECONDS,
    }),
    run: histogram({
      name: 'troupe_run_seconds',
      help: 'Runs, with all their answers and tools.',
      labels: ['agent'],
      bounds: LONG_SECONDS,
    }),
    step: histogram({
      name: 'troupe_step_seconds',
      help: 'Steps of runs: one answer of a model, one call of a tool.',
      labels: ['step', 'outcome'],
      bounds: LONG_SECONDS,
    }),
    hook: histogram({
      name: 'troupe_hook_seconds',
      help: 'Hooks that were asked or told, by event and by how it ended.',
      labels: ['event', 'outcome'],
      bounds: SHORT_SECONDS,
    }),
    delivery: histogram({
      name: 'troupe_delivery_seconds',
      help: 'From the first look at a reply to its last receipt, with all waits and tries.',
      labels: ['channel'],
      bounds: SHORT_SECONDS,
    }),
    commit: histogram({
      name: 'troupe_store_commit_seconds',
      help: 'Transactions of the store, each with all that was written in one moment; in whole milliseconds.',
      labels: [],
      bounds: DISK_SECONDS,
    }),
  }
}

interface Ended {
  readonly ending: Ending
  readonly seconds: number
}

function count(families: Families, activity: Activity, { ending, seconds }: Ended): void {
  switch (activity.kind) {
    case 'accept':
      if (ending === 'done') families.accepted.add([activity.channel])
      if (ending === 'duplicate') families.duplicates.add([activity.channel])
      return
    case 'pending':
      return families.pending.observe([ending], seconds)
    case 'run':
      families.runs.add([activity.agent, ending])
      return families.run.observe([activity.agent], seconds)
    case 'answer':
    case 'tool':
      return families.step.observe([activity.kind, ending], seconds)
    case 'hook':
      return families.hook.observe([activity.event, ending], seconds)
    case 'delivery':
      families.replies.add([activity.channel, ending === 'done' ? 'delivered' : ending])
      return families.delivery.observe([activity.channel], seconds)
    // Both are in what lies within them and in what is settled.
    case 'turn':
    case 'commit':
  }
}

function note(families: Families, happening: Happening): void {
  switch (happening.kind) {
    case 'refused':
      return families.refused.add([happening.channel, happening.reason])
    case 'settled':
      return families.settled.add([happening.channel, happening.outcome])
    case 'restarted':
      return families.restarts.add([happening.what])
    case 'mcp':
      return families.mcp.add([happening.agent, happening.server, happening.became])
    case 'tokens':
      return noteTokens(families, happening)
    case 'speech':
      return families.speech.add([happening.agent], happening.seconds)
    case 'written':
      return families.commit.observe([], secondsBetween(0, happening.ms))
  }
}

function noteTokens({ tokens, estimated: guessed }: Families, happening: Extract<Happening, { kind: 'tokens' }>): void {
  const { agent, input, output, estimated } = happening
  tokens.add([agent, 'input'], input)
  tokens.add([agent, 'output'], output)
  guessed.add([agent, 'input'], estimated.input)
  guessed.add([agent, 'output'], estimated.output)
}
