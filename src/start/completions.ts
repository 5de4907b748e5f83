// Completions: the agents behind the OpenAI API, from the definitions of this moment, the channel's adapter and the store.

import { sessionAddress } from '../../machines/addresses.ts'
import { lacksFailure } from '../../machines/channel-failure.ts'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { sayable } from '../../machines/failure.ts'
import type { Commit, TranscriptEntry } from '../../machines/messages.ts'
import { OPENAI_CHANNEL, type Question } from '../../machines/openai.ts'
import { isTurnOf } from '../../machines/steps.ts'
import type { GatewayActor } from '../actors/gateway.ts'
import type { Adapter } from '../channels/adapter.ts'
import type { OpenAiAdapter } from '../channels/openai.ts'
import type { Answered } from '../channels/openai-waiting.ts'
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

/** A message that was accepted before: what its turn left in the history; null: it has not ended. */
async function recall(store: Store, question: Question, { session, seq }: Before): Promise<Answered | null> {
  const itself = store.record(session, { message: seq + 1, transcript: 0, step: 0, delivery: 0 }, 1)
  const [{ entries }, unfinished, history] = await Promise.all([
    itself,
    store.unfinishedOf(session),
    store.history(session),
  ])
  if (!entries.some((entry) => entry.kind === 'message' && isSame(entry, question))) return { kind: 'reused' }
  if (unfinished.some((message) => message.seq === seq)) return null
  const turn = history.filter((entry) => isTurnOf(entry.turn, seq))
  const answer = turn.findLast(({ role }) => role === 'assistant')
  return answer === undefined ? { kind: 'past' } : { kind: 'answered', text: answer.text, spent: spentOn(answer) }
}

/** Behind its text there may be a word about what came with it. */
function isSame({ text }: MessageEntry, question: Question): boolean {
  return text === question.text || text.startsWith(`${question.text}\n`)
}

function spentOn({ spent, steps }: TranscriptEntry): { inputTokens: number; outputTokens: number } {
  const all = [spent, ...steps.map((step) => (step.kind === 'answer' ? step.spent : null))]
  const of = (count: 'inputTokens' | 'outputTokens') => all.reduce((total, one) => total + (one?.[count] ?? 0), 0)
  return { inputTokens: of('inputTokens'), outputTokens: of('outputTokens') }
}
