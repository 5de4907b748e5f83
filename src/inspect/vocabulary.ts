// Vocabulary: which shape each context, event, input and result of our machines is shown in.
//   A3. A secret's value leaves through no inspector: definitions are shown by the names of what they hold.
//   What an outsider chose freely counts as text; what addresses are made of does not.
// A message that the protocol gains does not compile here until it has a shape.

import type {
  Adoption,
  ChannelReport,
  ToChannel,
  ToConnection,
  ToDelivery,
  ToGateway,
  ToPartition,
  ToRun,
  ToSession,
  ToSweeper,
} from '../../machines/messages.ts'
import type { Served } from '../../machines/adoption.ts'
import type { ChannelContext } from '../../machines/channel-words.ts'
import type { Child } from '../../machines/children.ts'
import type { ToMcp, ToMcpClient } from '../../machines/mcp-messages.ts'
import type { GatewayContext } from '../../machines/gateway-context.ts'
import type { Prepared, SessionContext } from '../../machines/session-context.ts'
import type { RunInput } from '../../machines/run-words.ts'
import type { SessionSettings } from '../../machines/session-settings.ts'
import type { Slots } from '../../machines/slots.ts'
import { channelDefinition, gatewayDefinition, scheduleDefinition } from './definition-shapes.ts'
import { MCP_EVENTS, mcpContext } from './mcp-shapes.ts'
import type { Shape } from './shape.ts'
import {
  approvals,
  credit,
  deliveredPart,
  failure,
  history,
  inbox,
  message,
  outboxItem,
  outcome,
  type Parts,
  sender,
  step,
  steps,
  WORDS,
  shown,
} from './shapes.ts'

type Said =
  | ToGateway
  | ToSweeper
  | ToChannel
  | ToConnection
  | ToPartition
  | ToSession
  | ToRun
  | ToDelivery
  | ToMcp
  | ToMcpClient

const report: Shape = { parts: { id: 'word', state: 'word', failure } satisfies Parts<ChannelReport> }

const adoption: Shape = { parts: { state: 'word', failure } satisfies Parts<Adoption> }

const settings: Shape = {
  parts: {
    agent: 'word',
    model: 'word',
    busyMode: 'word',
    queueLimit: 'word',
    keepsPartial: 'word',
  } satisfies Parts<SessionSettings>,
}

const slots: Shape = {
  parts: { limit: 'word', running: WORDS, waiting: 'word', line: 'hidden' } satisfies Parts<Slots>,
}

const session = {
  key: 'word',
  channel: 'word',
  conversation: 'word',
  agent: 'word',
  model: 'word',
  busyMode: 'word',
  queueLimit: 'word',
  keepsPartial: 'word',
  waiting: inbox,
  turn: inbox,
  turnId: 'word',
  given: { each: step.messages.each },
  approvals,
  definition: 'names',
  steps,
  preparedAtMs: 'word',
  notices: { each: 'text' },
  history,
  exhausted: WORDS,
  refused: { each: { parts: { seqs: WORDS, reason: 'text' } } },
  outcome,
  commitFailures: 'word',
  draining: 'word',
  routed: 'word',
  answered: WORDS,
} satisfies Parts<SessionContext>

const runInput: Shape = {
  parts: {
    definition: 'hidden',
    channel: 'word',
    conversation: 'word',
    session: 'word',
    turn: 'word',
    history,
    seqs: WORDS,
    messages: { each: { parts: { text: 'text', sender, kind: 'word', shown } } },
    mayCompact: 'word',
    steps,
    nowMs: 'word',
    draining: 'word',
  } satisfies Parts<RunInput>,
}

const prepared: Shape = {
  parts: {
    history,
    exhausted: WORDS,
    refused: { each: { parts: { seqs: WORDS, reason: 'text' } } },
    turn: inbox,
    steps,
    given: { each: step.messages.each },
    definition: 'hidden',
    preparedAtMs: 'word',
    notices: { each: 'text' },
  } satisfies Parts<Prepared>,
}

const served: Shape = { parts: { definition: channelDefinition, agents: 'names' } satisfies Parts<Served> }

/** What a machine holds, by the machine's id; its input is part of it. */
export const CONTEXTS: Readonly<Record<string, Shape>> = {
  gateway: {
    parts: {
      definition: gatewayDefinition,
      reports: { keyed: report },
      slots,
      failures: { keyed: 'word' },
      adoptions: { keyed: adoption },
      withdrawn: 'names',
      leaving: { keyed: 'word' },
    } satisfies Parts<GatewayContext>,
  },
  channel: {
    parts: {
      definition: channelDefinition,
      agents: 'names',
      placement: 'hidden',
      failure,
      failures: 'word',
      unswept: WORDS,
      servers: 'names',
      unread: 'word',
      next: served,
      proven: served,
      trials: 'word',
      after: 'word',
    } satisfies Parts<ChannelContext>,
  },
  partition: {
    parts: {
      definition: channelDefinition,
      agents: 'names',
      children: {
        keyed: {
          parts: {
            routed: 'word',
            reached: 'word',
            sweeps: 'word',
            failures: 'word',
            life: 'word',
            held: { each: message },
            settings,
            givenUp: 'word',
          } satisfies Parts<Child>,
        },
      },
    },
  },
  session: { parts: session },
  run: {
    parts: {
      input: runInput,
      steps,
      written: 'word',
      draining: 'word',
      outcome,
      ...(runInput as { parts: Record<string, Shape> }).parts,
    },
  },
  mcp: mcpContext,
  delivery: {
    parts: {
      channel: 'word',
      conversation: 'word',
      item: outboxItem,
      receipt: deliveredPart,
      failure,
      failures: 'word',
      uncertainSends: 'word',
      diskFailures: 'word',
      again: 'word',
      draining: 'word',
      routed: 'word',
    },
  },
  schedule: {
    parts: {
      definition: scheduleDefinition,
      afterMs: 'word',
      dueAtMs: 'word',
      sleepMs: 'word',
      failures: 'word',
    },
  },
}

/** What an invoked effect gives back, by the id of its actor up to a colon; every other result is hidden. */
export const RESULTS: Readonly<Record<string, Shape>> = {
  prepare: prepared,
  run: outcome,
  summarise: history,
  think: { parts: { text: 'text', calls: step.calls, atMs: 'word', ...credit } },
  act: steps,
  recover: { each: message },
  recovery: { each: message },
  look: outboxItem,
  send: deliveredPart,
}

/** Every message of the protocol, by its type; `type` itself is always shown. */
export const EVENTS = {
  'message.accepted': { message },
  'outbox.owed': { channel: 'word', conversation: 'word' },
  'channel.reported': { report },
  'channel.control': { channel: 'word', control: 'word' },
  'slot.requested': { sessionKey: 'word' },
  'slot.released': { sessionKey: 'word' },
  'slot.granted': {},
  'message.withdrawn': { seq: 'word' },
  sweep: {},
  'sweep.next': {},
  'recovery.due': { recovery: 'word' },
  'definition.changed': { definition: gatewayDefinition },
  'channel.adopted': { channel: 'word', adoption },
  // A session's has settings.
  redefined: { definition: channelDefinition, agents: 'names', settings },
  drain: {},
  halt: {},
  control: { control: 'word' },
  'connection.live': {},
  'connection.ended': { failure },
  'child.stopped': { child: 'word', routed: 'word' },
  'child.rested': { child: 'word', routed: 'word' },
  'message.route': { routed: 'word', message },
  'outbox.route': { routed: 'word', conversation: 'word' },
  'message.routed': { routed: 'word', message },
  'outbox.routed': { routed: 'word' },
  'sweep.every': { everyMs: 'word' },
  // The gateway's own has the channel, a partition's the child.
  'restart.due': { child: 'word', channel: 'word' },
  'record.failed': { failure },
  'steering.requested': {},
  'steering.given': { messages: { each: step.messages.each } },
  'approvals.waiting': { approvals },
  'approval.decided': { call: 'word', approved: 'word', by: 'text' },
  close: {},
  ...MCP_EVENTS,
} satisfies Readonly<Record<Said['type'], Readonly<Record<string, Shape>>>>
