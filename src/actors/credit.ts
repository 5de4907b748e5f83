// Credit: who gave an answer and what it took, for the step or entry that it stands in; and the tokens, for whoever counts them.

import { modelLabel, spentBy } from '../../machines/models.ts'
import type { RunInput } from '../../machines/run-words.ts'
import type { Credit } from '../../machines/usage.ts'
import type { Thought } from '../agents/agent.ts'
import type { Parts } from './parts.ts'

type Asking = Pick<RunInput, 'definition' | 'session'>

export function creditOf({ observe }: Parts, { definition, session }: Asking, thought: Thought): Credit {
  const { usage, model: by = definition.model } = thought
  const agent = definition.id
  if (usage !== null)
    observe.note({ kind: 'tokens', session, agent, input: usage.inputTokens, output: usage.outputTokens })
  return { model: modelLabel(by), spent: spentBy(by, usage) }
}
