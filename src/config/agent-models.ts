// Agent models: keys of an agent that hang on what it thinks with, and would do nothing with the echo model. A key that is accepted
// has an effect. And instructions that are larger than what their model takes in, which its provider would refuse.

import type { GatewayDefinition } from '../../machines/definitions.ts'
import { sentences } from '../../machines/failure.ts'
import { instructionsFailure } from '../../machines/room.ts'
import { entriesOf, type Finding, keySpan, type Path, spanAt, textOf, type Tree, valueOf } from './tree.ts'

const NEEDS_MODEL: readonly (readonly [key: string, reason: string])[] = [
  ['compact_at', 'has no effect: the echo model reads no history'],
  ['budget', 'has no effect: the echo model uses no tokens'],
  ['vision', 'has no effect: the echo model looks at no pictures'],
]

export function modelFindings(root: Tree): Finding[] {
  return entriesOf(valueOf(root, 'agents')).flatMap(([id, { value: agent }]) => {
    const model = valueOf(agent, 'model')
    if (textOf(model) !== 'echo' && textOf(valueOf(model, 'provider')) !== 'echo') return []
    return NEEDS_MODEL.filter(([key]) => valueOf(agent, key) !== undefined).map(([key, message]): Finding => {
      const path: Path = ['agents', id, key]
      return { span: keySpan(root, path) ?? spanAt(root, path), path, message }
    })
  })
}

/** Of agents whose instructions leave no room for a conversation. */
export function roomFindings(root: Tree, { agents }: GatewayDefinition): Finding[] {
  return Object.values(agents).flatMap((agent) => {
    const failure = instructionsFailure(agent, agent.model)
    const path = ['agents', agent.id, 'instructions']
    return failure === null ? [] : [{ span: spanAt(root, path), path, message: sentences(failure) }]
  })
}
