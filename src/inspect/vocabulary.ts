// Vocabulary: which shape each context, event, input and result of our machines is shown in.
//   A3. A secret's value leaves through no inspector: definitions are shown by the names of what they hold.
//   What an outsider chose freely (message ids, user ids, handles) counts as text; what addresses are made of does not.
// A message that the protocol gains does not compile here until it has a shape.

import type {
  AcceptedMessage,
  Adoption,
  ChannelReport,
  OutboxItem,
  Sender,
  SessionSettings,
  ToChannel,
  ToConnection,
  ToDelivery,
  ToGateway,
  ToPartition,
  ToSession,
  ToSweeper,
  TranscriptEntry,
} from '../../machines/messages.ts'
import type { Failure } from '../../machines/failure.ts'
import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import type { Served } from '../../machines/adoption.ts'
import type { ChannelContext } from '../../machines/channel-words.ts'
import type { Child } from '../../machines/children.ts'
import type { GatewayContext } from '../../machines/gateway-context.ts'
import type { SessionContext } from '../../machines/session-words.ts'
import type { InboxItem } from '../../machines/inbox.ts'
import type { Slots } from '../../machines/slots.ts'
import type { Shape } from './shape.ts'

/** A shape for every part of T, and for nothing else. */
type Parts<T> = { readonly [Part in keyof Required<T>]: Shape }

type Said = ToGateway | ToSweeper | ToChannel | ToConnection | ToPartition | ToSession | ToDelivery

const WORDS: Shape = { each: 'word' }

const failure: Shape = {
  parts: {
    kind: 'word',
    reason: 'word',
    // Written for the person who is concerned; it may quote the other side.
    message: 'hidden',
    remedy: 'hidden',
    retryAfterMs: 'word',
    uncertain: 'word',
  } satisfies Parts<Failure>,
}

const sender: Shape = { parts: { id: 'text', name: 'text', handle: 'text' } satisfies Parts<Sender> }

const message: Shape = {
  parts: {
    channel: 'word',
    conversation: 'word',
    platformMessageId: 'text',
    kind: 'word',
    sender,
    text: 'text',
    addressed: 'word',
    album: 'text',
    attachments: 'word',
    continues: 'word',
    seq: 'word',
    sessionKey: 'word',
    agent: 'word',
    command: { parts: { name: 'command', text: 'text' } },
    acceptedAtMs: 'word',
    again: 'word',
    // The store keeps it with the message; only a message from there has it.
    journaled: 'word',
  } satisfies Parts<AcceptedMessage> & Record<string, Shape>,
}

const inbox: Shape = {
  each: { parts: { message, text: 'text', manner: 'word', retry: 'word' } satisfies Parts<InboxItem> },
}

const history: Shape = {
  each: {
    parts: {
      role: 'word',
      turn: 'word',
      text: 'text',
      sender,
      seq: 'word',
      atMs: 'word',
    } satisfies Parts<TranscriptEntry>,
  },
}

const outboxItem: Shape = {
  parts: {
    id: 'word',
    channel: 'word',
    conversation: 'word',
    text: 'text',
    replyTo: 'text',
    partsSent: 'word',
    uncertain: 'word',
  } satisfies Parts<OutboxItem>,
}

const deliveredPart: Shape = { parts: { receipt: 'text', last: 'word' } }

const outcome: Shape = { parts: { kind: 'word', text: 'text', failure } }

const report: Shape = { parts: { id: 'word', state: 'word', failure } satisfies Parts<ChannelReport> }

const channelDefinition: Shape = {
  parts: {
    id: 'word',
    platform: 'word',
    routes: { parts: { default: 'word', dm: 'word', group: 'word' } },
    allowedUsers: 'hidden',
    unknownUserPolicy: 'word',
    groupPolicy: 'word',
    sessionScope: 'word',
    busyMode: 'word',
    queueLimit: 'word',
    token: 'hidden',
    apiRoot: 'hidden',
    missing: 'hidden',
  } satisfies Parts<ChannelDefinition>,
}

const adoption: Shape = { parts: { state: 'word', failure } satisfies Parts<Adoption> }

const settings: Shape = {
  parts: { agent: 'word', model: 'word', busyMode: 'word', queueLimit: 'word' } satisfies Parts<SessionSettings>,
}

const gatewayDefinition: Shape = {
  parts: { gateway: 'hidden', agents: 'names', channels: 'names' } satisfies Parts<GatewayDefinition>,
}

const slots: Shape = { parts: { limit: 'word', running: WORDS, waiting: WORDS } satisfies Parts<Slots> }

const session = {
  key: 'word',
  channel: 'word',
  conversation: 'word',
  agent: 'word',
  model: 'word',
  busyMode: 'word',
  queueLimit: 'word',
  waiting: inbox,
  turn: inbox,
  turnId: 'word',
  history,
  exhausted: WORDS,
  outcome,
  commitFailures: 'word',
  draining: 'word',
  routed: 'word',
  answered: WORDS,
} satisfies Parts<SessionContext>

const runInput: Shape = {
  parts: {
    agent: 'word',
    channel: 'word',
    conversation: 'word',
    session: 'word',
    turn: 'word',
    history,
    messages: { each: { parts: { text: 'text', sender, kind: 'word' } } },
  },
}

const prepared: Shape = { parts: { history, exhausted: WORDS, turn: inbox } }

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
          } satisfies Parts<Child>,
        },
      },
    },
  },
  session: { parts: session },
  run: {
    parts: { input: runInput, outcome, ...(runInput as { parts: Record<string, Shape> }).parts },
  },
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
}

/** What an invoked effect gives back, by the id of its actor up to a colon; every other result is hidden. */
export const RESULTS: Readonly<Record<string, Shape>> = {
  prepare: prepared,
  run: outcome,
  think: 'text',
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
  sweep: {},
  'sweep.next': {},
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
  close: {},
} satisfies Readonly<Record<Said['type'], Readonly<Record<string, Shape>>>>
