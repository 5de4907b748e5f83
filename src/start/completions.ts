// Completions: the agents behind the OpenAI API, from the definitions of this moment, the channel's adapter and the store.

import { sessionAddress } from '../../machines/addresses.ts'
import { lacksFailure } from '../../machines/channel-failure.ts'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { sayable } from '../../machines/failure.ts'
import { writtenText } from '../../machines/media.ts'
import type { Commit, TranscriptEntry } from '../../machines/messages.ts'
import { OPENAI_CHANNEL, type Question } from '../../machines/openai.ts'
import { isTurnOf } from '../../machines/steps.ts'
import type { GatewayActor } from '../actors/gateway.ts'
import type { Adapter } from '../channels/adapter.ts'
import type { OpenAiAdapter } from '../channels/openai.ts'
import { type Answered, unansweredAs } from '../channels/openai-waiting.ts'
import type { CompletionsPort } from '../http/completions-port.ts'
import type { MessageEntry, Store } from '../store/store.ts'

export interface CompletionsParts {
  readonly gateway: GatewayActor
  readonly store: Store
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly startedAtMs: number
  readonly isDraining: boolean
}

/** null: the file switches it off. */
export function completionsPort(parts: CompletionsParts): CompletionsPort | null {
  const { gateway, adapters, store, startedAtMs, isDraining } = parts
  const { definition } = gateway.getSnapshot().context
  if (definition.channels[OPENAI_CHANNEL] === undefined) return null
  const agents = Object.values(definition.agents)
  return {
    models: () => agents.filter((agent) => lackOf(agent) === null).map(({ id }) => ({ id, sinceMs: startedAtMs })),
    lacks(id) {
      const agent = agents.find((each) => each.id === id)
      return agent === undefined ? null : lackOf(agent)
    },
    async ask(question, hearing, signal) {
      const adapter = adapters.get(OPENAI_CHANNEL)
      if (isDraining) return { kind: 'turnedAway', reason: 'draining' }
      if (adapter === undefined || !isOpenAi(adapter)) return { kind: 'turnedAway', reason: 'paused' }
      const asking = {
        ...hearing,
        recall: (session: string, seq: number) => recall(store, question, { session, seq }),
        withdraw: (session: string, seq: number) => {
          gateway.system.get(sessionAddress(session))?.send({ type: 'message.withdrawn', seq })
        },
      }
      return adapter.ask(question, asking, signal)
    },
  }
}

/** The same store; whoever waits for an answer is told what was decided, once it is on disk. */
export function tellingWaiting(store: Store, adapters: ReadonlyMap<string, Adapter>): Store {
  const tell = (commit: Commit): void => {
    const adapter = adapters.get(commit.channel)
    if (adapter !== undefined && isOpenAi(adapter)) adapter.committed(commit)
  }
  return {
    ...store,
    async commit(commit) {
      await store.commit(commit)
      tell(commit)
    },
    async commitUndo(commits) {
      await store.commitUndo(commits)
      // Whichever of the two was written: both settle the same message, and its reply comes with the delivery.
      tell(commits.done)
    },
  }
}

/** The process ends: whoever waits is told so. */
export function endWaiting(adapters: ReadonlyMap<string, Adapter>): void {
  for (const adapter of adapters.values()) if (isOpenAi(adapter)) adapter.endAll()
}

function isOpenAi(adapter: Adapter): adapter is OpenAiAdapter {
  return 'ask' in adapter && 'committed' in adapter
}

function lackOf({ missing, lacking }: AgentDefinition): string | null {
  const failure = lacksFailure(missing, lacking)
  return failure === null ? null : sayable(failure)
}

interface Before {
  readonly session: string
  readonly seq: number
}

/** A message that was accepted before: its own end, and what its turn left in the history; null: it has not ended. */
export async function recall(
  store: Pick<Store, 'record' | 'history'>,
  question: Pick<Question, 'text' | 'attachments'>,
  { session, seq }: Before,
): Promise<Answered | null> {
  const itself = store.record(session, { message: seq + 1, transcript: 0, step: 0, delivery: 0 }, 1)
  const [{ entries }, history] = await Promise.all([itself, store.history(session)])
  const message = entries.find((entry) => entry.kind === 'message')
  if (message === undefined || !isSame(message, question)) return { kind: 'reused' }
  if (message.outcome === null) return null
  // Its turn may have gone on without it, and that answer is to others.
  if (message.outcome !== 'answered') return unansweredAs(message.outcome, message.reason)
  const turn = history.filter((entry) => isTurnOf(entry.turn, seq))
  const answer = turn.findLast(({ role }) => role === 'assistant')
  return answer === undefined ? { kind: 'past' } : { kind: 'answered', text: answer.text, spent: spentOn(answer) }
}

function isSame({ text }: MessageEntry, question: Pick<Question, 'text' | 'attachments'>): boolean {
  return text === writtenText(question)
}

function spentOn({ spent, steps }: TranscriptEntry): { inputTokens: number; outputTokens: number } {
  const all = [spent, ...steps.map((step) => (step.kind === 'answer' ? step.spent : null))]
  const of = (count: 'inputTokens' | 'outputTokens') => all.reduce((total, one) => total + (one?.[count] ?? 0), 0)
  return { inputTokens: of('inputTokens'), outputTokens: of('outputTokens') }
}
