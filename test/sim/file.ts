// File: the gateway.yaml of one world, and what it said before.
//   A newer file takes effect bit by bit: a session hears of it with its next message, a channel that needs another connection when it
//   has one, a run never. So until the next calm whatever the file said since the last one may be what a session goes by.

import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { testDefinition } from '../support/house.ts'
import type { AgentPlan, ChannelPlan, Change, Plan } from './steps.ts'
import { TOOL_NAMES } from './tools.ts'

export class GatewayFile {
  #plan: Plan
  #absent: ReadonlySet<number> = new Set()
  #tokens: readonly number[] = []
  #definition: GatewayDefinition
  /** Plans since the last calm, the newest last. */
  #plans: readonly Plan[]
  /** Channels that were not named at some time since the last calm. */
  #left = new Set<string>()

  constructor(plan: Plan) {
    this.#plan = plan
    this.#plans = [plan]
    this.#definition = this.#write()
  }

  get plan(): Plan {
    return this.#plan
  }

  get definition(): GatewayDefinition {
    return this.#definition
  }

  get agents(): readonly AgentPlan[] {
    return this.#plans.map(({ agent }) => agent)
  }

  /** What a channel may go by now. */
  channel(id: string): readonly ChannelPlan[] {
    const index = indexOf(id)
    return this.#plans.flatMap(({ channels }) => channels[index] ?? [])
  }

  /** As many runs as there may be at once: a smaller number lets those that are there finish. */
  get slots(): number {
    return Math.max(...this.#plans.map(({ concurrentRuns }) => concurrentRuns))
  }

  change(change: Change): void {
    const { channels, agent } = this.#plan
    const ch = 'ch' in change ? change.ch % channels.length : 0
    switch (change.of) {
      case 'channel':
        this.#plan = {
          ...this.#plan,
          channels: channels.map((each, index) => (index === ch ? { ...each, ...change.set } : each)),
        }
        break
      case 'agent':
        this.#plan = { ...this.#plan, agent: { ...agent, ...change.set } }
        break
      case 'gateway':
        this.#plan = { ...this.#plan, ...change.set }
        break
      case 'token':
        this.#tokens = channels.map((_, index) => (this.#tokens[index] ?? 0) + (index === ch ? 1 : 0))
        break
      case 'remove':
        // A gateway has a channel.
        if (this.#absent.size === channels.length - 1) return
        this.#absent = new Set([...this.#absent, ch])
        this.#left.add(idOf(ch))
        break
      case 'restore':
        this.#absent = new Set([...this.#absent].filter((each) => each !== ch))
        break
    }
    this.#plans = [...this.#plans, this.#plan]
    this.#definition = this.#write()
  }

  /** Every channel is named again. */
  heal(): void {
    this.#absent = new Set()
    this.#definition = this.#write()
  }

  /** Whether its sessions may have been ended with it, and what it accepted wait on disk. */
  hasLeft(channel: string): boolean {
    return this.#left.has(channel)
  }

  /** Everything has come to go by what the file says now. */
  settle(): void {
    this.#plans = [this.#plan]
    this.#left.clear()
  }

  #write(): GatewayDefinition {
    const { concurrentRuns, passivateAfterMs, drainMs, agent } = this.#plan
    const channels = this.#plan.channels.map((plan, index): [string, Partial<ChannelDefinition>] => [
      idOf(index),
      channelOf(plan, this.#tokens[index] ?? 0),
    ])
    return testDefinition({
      channels: Object.fromEntries(channels.filter((_, index) => !this.#absent.has(index))),
      gateway: { concurrentRuns, passivateAfterMs, drainMs },
      agents: { cfo: { ...agent, tools: TOOL_NAMES }, ops: { runTimeoutMs: agent.runTimeoutMs } },
    })
  }
}

export function idOf(index: number): string {
  return String.fromCharCode(97 + index)
}

function indexOf(id: string): number {
  return id.charCodeAt(0) - 97
}

function channelOf(plan: ChannelPlan, token: number): Partial<ChannelDefinition> {
  const { busyMode, sessionScope, queueLimit, agent, partialAnswers } = plan
  const routes = { default: agent, dm: null, group: null }
  const given = { busyMode, sessionScope, queueLimit, partialAnswers, routes, groupPolicy: 'respond_all' } as const
  return { platform: 'sim', ...given, token: token === 0 ? null : { secret: `token-${token}` } }
}
