// Vision: whether an agent's model is shown pictures, in a word; or as a mapping, with the model that describes them to it.
//   A key that is accepted has an effect: one model describes to another that is shown nothing.

import type { AgentDefinition } from '../../machines/definitions.ts'
import { isShown } from '../../machines/senses.ts'
import { HOSTED_FORMS, readModel } from './check-model.ts'
import { choice, keysOf, options, read, z } from './kinds.ts'
import { type ModelKeys, modelSchemas } from './model-schema.ts'
import { accept, plainOf, type Reader, spanOfKey } from './reader.ts'
import { isOpen, nodeAt, type Path, valueOf } from './tree.ts'

export interface VisionKeys {
  readonly show: AgentDefinition['vision']
  /** null also where an unset variable stands in the way. */
  readonly describeWith: ModelKeys | null
}

const word = choice(['auto', 'always', 'never'])

/** What is always shown needs no description. */
const show = choice(['auto', 'never']).prefault('auto')

const mapping = z.strictObject({ show, describe_with: z.unknown().optional() })

const short = z
  .string()
  .regex(/^(anthropic|openai|google):\S.*$/)
  .describe('"anthropic:NAME", "openai:NAME" or "google:NAME".')

/** As editors know it. */
export function visionForEditors() {
  const { echo: _, anthropic, openai, google, ...rest } = modelSchemas
  const whole = { context: true } as const
  const describing = options({
    'openai-compatible': rest['openai-compatible'].omit(whole),
    anthropic: anthropic.omit(whole),
    openai: openai.omit(whole),
    google: google.omit(whole),
  })
  const describeWith = z
    .union([short, z.discriminatedUnion('provider', describing)])
    .describe(
      'A model that looks at each picture, and says in words what it shows, where the agent’s own is shown none.',
    )
  return z
    .union([
      word.prefault('auto'),
      z.strictObject({
        show: show.describe('never: pictures are described also to a model that takes them.'),
        describe_with: describeWith,
      }),
    ])
    .describe(
      'Whether the model is shown pictures. auto: when it is known to take them; a model of a server of your own by its name.',
    )
}

/** Where nothing is said. */
export const USUAL_VISION: VisionKeys = { show: 'auto', describeWith: null }

/** `own`: what the agent thinks with. */
export function readVision(reader: Reader, path: Path, own: ModelKeys | null): VisionKeys {
  const node = nodeAt(reader.root, path)
  if (node === undefined || isOpen(node)) return USUAL_VISION
  const plain = plainOf(node, path)
  if (node.kind !== 'map') {
    const show = accept(reader, path, { reading: read<VisionKeys['show']>(word, plain), known: [] })
    return { ...USUAL_VISION, show: show ?? 'auto' }
  }
  const keys = accept(reader, path, { reading: read(mapping, plain), known: keysOf(mapping) })
  const describeWith = readDescriber(reader, [...path, 'describe_with'])
  if (keys !== null && own !== null && own.provider !== 'echo' && isShown(own, keys.show, 'image/jpeg')) {
    const message = `has no effect: ${own.name} is shown the pictures themselves; take it out, or say show: never`
    note(reader, [...path, 'describe_with'], message)
  }
  return { show: keys?.show ?? 'auto', describeWith }
}

function readDescriber(reader: Reader, path: Path): ModelKeys | null {
  const model = readModel(reader, path, HOSTED_FORMS)
  if (model?.provider === 'echo') note(reader, path, 'the echo model looks at no pictures: expected one that does')
  if (valueOf(nodeAt(reader.root, path), 'context') !== undefined)
    note(reader, [...path, 'context'], 'has no effect: it is asked about one picture at a time')
  return model
}

function note(reader: Reader, path: Path, message: string): void {
  reader.findings.push({ span: spanOfKey(reader, path), path, message })
}
