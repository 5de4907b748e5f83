// Senses: what an agent can do with files: which a model is shown, whether speech and pictures are made text, whether its tools open
// files. Pure.
//   The echo model says what it hears, and looks at nothing.
//   With `vision: auto` a model of a hosted provider is shown pictures and PDF files, but for the few that are known to take
//   none; one of another server is shown pictures when its name says that it sees.

import type { AgentDefinition, DescriberDefinition, ModelDefinition } from './definitions.ts'
import type { Senses } from './media.ts'
import { usesFolder } from './tool-names.ts'

export function sensesOf(definition: AgentDefinition): Senses {
  const { model, vision } = definition
  const isEcho = model.provider === 'echo'
  return {
    sees: (mediaType) => isShown(model, vision, mediaType),
    describes: definition.describeWith !== null,
    hears: definition.transcription !== null,
    opens: !isEcho && definition.tools.some(usesFolder),
    looks: !isEcho,
  }
}

/** As much of a model as it is known by. */
type Known =
  | Pick<Extract<ModelDefinition, { provider: 'echo' }>, 'provider'>
  | Pick<DescriberDefinition, 'provider' | 'name'>

/** Whether a model is given such a file. */
export function isShown(model: Known, vision: AgentDefinition['vision'], mediaType: string): boolean {
  if (model.provider === 'echo' || vision === 'never') return false
  if (model.provider === 'openai-compatible') {
    // Few of these servers take PDF files, and none says so.
    return mediaType !== 'application/pdf' && (vision === 'always' || SEEING.test(model.name))
  }
  return vision === 'always' || !BLIND.test(model.name)
}

/** Names of models that take pictures, as local servers and proxies call them. */
const SEEING =
  /vision|llava|bakllava|moondream|pixtral|minicpm-?v|internvl|cogvlm|smolvlm|(^|[^a-z])vlm?([^a-z]|$)|gemma-?3(?!n|.*[:-](1b|270m))|gpt-(4o|4\.1|4\.5|4-turbo|5)|claude-(3|opus|sonnet|haiku|[4-9])|gemini|llama-?4|mistral-(small-?3\.[12]|medium-?3)/i

/** Of hosted models, those that take none. */
const BLIND =
  /^(gpt-3\.5|gpt-4(-\d{4})?$|gpt-4-0|o1-(mini|preview)|o3-mini|text-|davinci|babbage|claude-(2|instant)|gemini-(1\.0-)?pro$)/i
