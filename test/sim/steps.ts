// Steps: everything that may happen, as plain data, and how often each thing does; deal.ts throws the dice.
//   A step names what it touches (a channel, a conversation, an earlier message) and never "the next one", so that a schedule from
//   which steps were taken out still means the same. A step that finds nothing to do does nothing.

import type { ApprovalPolicy, BusyMode, ChannelDefinition, SessionScope } from '../../machines/definitions.ts'
import type { ChannelControl } from '../../machines/messages.ts'

export type What = keyof typeof WHAT
export type ModelAct = keyof typeof MODEL
export type SendAct = keyof typeof SENDS
export type ConnectAct = keyof typeof CONNECTS
export type BreakAct = keyof typeof BREAKS
export type DiskAct = keyof typeof DISK
export type ToolAct = keyof typeof TOOL
export type Passage = keyof typeof PASSAGES

/** `effective`: so much of what waits for the disk still takes effect. `down`: it is not started again at once. */
export interface Crash {
  readonly effective: number
  readonly down: number
}

export interface Place {
  readonly ch: number
  readonly conv: number
}

export type Act =
  | (Place & { readonly do: 'say'; readonly id: number; readonly from: number; readonly what: What })
  | { readonly do: 'again'; readonly of: number }
  /** Somebody writes in each of so many conversations of a channel, all in one moment. */
  | { readonly do: 'crowd'; readonly id: number; readonly ch: number; readonly count: number }
  | (Place & { readonly do: 'model'; readonly how: ModelAct })
  | (Place & { readonly do: 'tool'; readonly how: ToolAct })
  /** The next time that something of this conversation comes by there, a defect is thrown; `spared`: it is not, in the twin world. */
  | (Place & { readonly do: 'throw'; readonly at: Passage; readonly spared?: true })
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'break'; readonly ch: number; readonly how: BreakAct }
  | { readonly do: 'connect'; readonly ch: number; readonly how: ConnectAct }
  | { readonly do: 'control'; readonly ch: number; readonly control: ChannelControl }
  | (Place & { readonly do: 'sends'; readonly how: readonly SendAct[] })
  | (Place & { readonly do: 'release' })
  | { readonly do: 'disk'; readonly how: DiskAct }
  | { readonly do: 'flush'; readonly count: number }
  | ({ readonly do: 'crash' } & Crash)
  /** The process is lost so many effects from now, wherever that is. */
  | ({ readonly do: 'fuse'; readonly effects: number } & Crash)
  | { readonly do: 'drain' }
  | { readonly do: 'start' }
  | { readonly do: 'letter'; readonly nth: number }
  | { readonly do: 'reload'; readonly change: Change }
  | { readonly do: 'calm' }

/** `loose`: the next step comes in the same moment, before anything that this one set off has come to rest. */
export type Step = Act & { readonly loose?: true }

export interface ChannelPlan {
  readonly busyMode: BusyMode
  readonly sessionScope: SessionScope
  readonly queueLimit: number
  readonly group: boolean
  /** `cfo` has tools, `ops` has none. */
  readonly agent: 'cfo' | 'ops'
  readonly partialAnswers: ChannelDefinition['partialAnswers']
}

/** The agent with tools. */
export interface AgentPlan {
  readonly approval: Readonly<Record<string, ApprovalPolicy>>
  readonly approvalTimeoutMs: number
  readonly approvers: readonly string[]
  readonly maxSteps: number
  readonly runTimeoutMs: number
}

export interface Plan {
  readonly channels: readonly ChannelPlan[]
  readonly agent: AgentPlan
  readonly conversations: number
  readonly concurrentRuns: number
  readonly passivateAfterMs: number
  readonly drainMs: number
}

/** What a newer gateway.yaml says otherwise. */
export type Change =
  | { readonly of: 'channel'; readonly ch: number; readonly set: Partial<Omit<ChannelPlan, 'group'>> }
  | { readonly of: 'agent'; readonly set: Partial<AgentPlan> }
  | { readonly of: 'gateway'; readonly set: Partial<Pick<Plan, 'concurrentRuns' | 'passivateAfterMs' | 'drainMs'>> }
  /** Another connection is needed. */
  | { readonly of: 'token'; readonly ch: number }
  | { readonly of: 'remove' | 'restore'; readonly ch: number }

/** What makes a run repeatable: a plan, its steps, and the seed that decides what the model does by itself. */
export interface Schedule {
  readonly plan: Plan
  readonly seed: number
  readonly steps: readonly Step[]
  /** The one conversation with throws: the others must see the same as without them. */
  readonly victim?: Place
}

export const WHAT = {
  plain: 40,
  photo: 3,
  album: 10,
  split: 4,
  splitEnd: 5,
  poison: 3,
  stop: 8,
  new: 9,
  queue: 5,
  steer: 14,
  retry: 6,
  undo: 7,
  status: 3,
  help: 4,
  start: 1,
  whoami: 1,
  unknown: 2,
  bare: 1,
  compact: 4,
  approve: 22,
  approveNamed: 12,
  approveStale: 2,
  deny: 4,
  denyNamed: 6,
  approveWrong: 4,
}
export const MODEL = { answer: 60, long: 6, retryable: 6, permanent: 6, defect: 8, delta: 25, late: 30, ask: 25 }
export const TOOL = { answer: 30, long: 1, fail: 5, defect: 4, late: 15 }
export const SENDS = {
  limited: 3,
  blocked: 3,
  away: 4,
  cut: 3,
  cutAfter: 4,
  hang: 1,
  holdBefore: 5,
  holdAfter: 6,
  defect: 1,
  unauthorized: 1,
}
export const CONNECTS = { silent: 2, refuse: 3, unauthorized: 2, slowClose: 2, stuckClose: 1 }
export const BREAKS = { away: 5, ended: 2, unauthorized: 1, defect: 1 }
export const DISK = { slow: 6, fast: 8, failWrites: 2, failAll: 1, heal: 10, failNext: 5 }
/** Every point at which something of one session or one conversation is waited for, and `show`, which is not. */
export const PASSAGES = {
  accept: 4,
  begin: 3,
  answer: 3,
  record: 8,
  commit: 3,
  undo: 7,
  release: 20,
  recover: 2,
  agent: 2,
  think: 2,
  toolbox: 3,
  tool: 10,
  close: 5,
  show: 4,
  look: 2,
  attempt: 2,
  unattempt: 4,
  send: 2,
  receipt: 2,
  undeliverable: 5,
}
export const CHANGES = { channel: 8, agent: 4, gateway: 2, token: 3, remove: 2, restore: 4 }
export const STEPS = {
  say: 170,
  again: 12,
  model: 140,
  tool: 60,
  throw: 18,
  time: 110,
  break: 5,
  connect: 4,
  control: 8,
  sends: 16,
  release: 14,
  disk: 20,
  flush: 40,
  crash: 6,
  fuse: 8,
  drain: 3,
  start: 30,
  letter: 2,
  reload: 12,
  calm: 2,
}
export const TIMES = {
  0: 20,
  1: 20,
  25: 20,
  250: 20,
  500: 20,
  999: 20,
  1000: 30,
  2000: 20,
  5000: 15,
  15000: 8,
  61000: 4,
  // Outlives every deadline, and as many restarts as there may be.
  700000: 1,
}
