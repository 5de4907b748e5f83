// Shapes: how the plain data of the protocol is shown: messages, histories, steps, failures. vocabulary.ts says where each stands.
//   What an outsider chose freely (message ids, user ids, handles, a tool's input and result) counts as text.

import type { Approval } from '../../machines/approval.ts'
import type { Failure } from '../../machines/failure.ts'
import type { InboxItem } from '../../machines/inbox.ts'
import type { Attachment, ShownFile } from '../../machines/media.ts'
import type { AcceptedMessage, OutboxItem, Sender, TranscriptEntry } from '../../machines/messages.ts'
import type { Steering, Step } from '../../machines/steps.ts'
import type { Amount, Credit, Spent } from '../../machines/usage.ts'
import type { Shape } from './shape.ts'

/** A shape for every part of T, and for nothing else. */
export type Parts<T> = { readonly [Part in keyof Required<T>]: Shape }

/** The same for a union: every part that one of its members has. */
export type PartsOfAny<T> = { readonly [Part in T extends unknown ? keyof T : never]: Shape }

export const WORDS: Shape = { each: 'word' }

export const failure: Shape = {
  parts: {
    kind: 'word',
    reason: 'word',
    // Written for the person who is concerned; it may quote the other side.
    message: 'hidden',
    remedy: 'hidden',
    phase: 'word',
    retryAfterMs: 'word',
    uncertain: 'word',
  } satisfies Parts<Failure>,
}

export const sender: Shape = { parts: { id: 'text', name: 'text', handle: 'text' } satisfies Parts<Sender> }

/** How it is asked for is a key to it, and its name is what somebody wrote. */
const attachment = {
  kind: 'word',
  reference: 'hidden',
  name: 'text',
  mediaType: 'text',
  bytes: 'word',
  seconds: 'word',
} satisfies Parts<Attachment>

/** Its path has its name. */
export const shown: Shape = {
  each: { parts: { path: 'text', mediaType: 'word', bytes: 'word' } satisfies Parts<ShownFile> },
}

export const message: Shape = {
  parts: {
    channel: 'word',
    conversation: 'word',
    platformMessageId: 'text',
    kind: 'word',
    sender,
    text: 'text',
    addressed: 'word',
    album: 'text',
    attachments: { each: { parts: attachment } },
    continues: 'word',
    seq: 'word',
    sessionKey: 'word',
    agent: 'word',
    command: { parts: { name: 'command', text: 'text' } },
    acceptedAtMs: 'word',
    again: 'word',
    resumes: 'word',
    renewed: 'word',
    // The store keeps it with the message; only a message from there has it.
    journaled: 'word',
  } satisfies Parts<AcceptedMessage> & Record<string, Shape>,
}

export const inbox: Shape = {
  each: { parts: { message, text: 'text', manner: 'word', task: 'word', shown } satisfies Parts<InboxItem> },
}

const amount = { inputTokens: 'word', outputTokens: 'word', cost: 'word' } satisfies Parts<Amount>
const spent: Shape = {
  parts: { ...amount, estimated: { parts: amount }, speechSeconds: 'word' } satisfies Parts<Spent>,
}

export const credit = { model: 'word', spent } satisfies Parts<Credit>

/** Inputs and results of tools are as free as what people write. */
export const step = {
  kind: 'word',
  text: 'text',
  calls: { each: { parts: { id: 'word', tool: 'word', input: 'text', policy: 'word', idempotent: 'word' } } },
  atMs: 'word',
  call: 'word',
  approved: 'word',
  by: 'text',
  failed: 'word',
  seqs: WORDS,
  messages: { each: { parts: { seqs: WORDS, text: 'text', sender, kind: 'word' } satisfies Parts<Steering> } },
  ...credit,
} satisfies PartsOfAny<Step>

export const steps: Shape = { each: { parts: step } }

export const approvals: Shape = {
  each: {
    parts: { call: 'word', name: 'word', tool: 'word', input: 'text', approvers: 'hidden' } satisfies Parts<Approval>,
  },
}

export const history: Shape = {
  each: {
    parts: {
      role: 'word',
      turn: 'word',
      text: 'text',
      sender,
      seq: 'word',
      atMs: 'word',
      steps,
      shown,
      ...credit,
    } satisfies Parts<TranscriptEntry>,
  },
}

export const outboxItem: Shape = {
  parts: {
    id: 'word',
    channel: 'word',
    conversation: 'word',
    text: 'text',
    replyTo: 'text',
    partsSent: 'word',
    choices: 'hidden',
    uncertain: 'word',
  } satisfies Parts<OutboxItem>,
}

export const deliveredPart: Shape = { parts: { receipt: 'text', last: 'word' } }

export const outcome: Shape = { parts: { kind: 'word', text: 'text', failure, ...credit } }
