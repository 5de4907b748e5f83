// Check model: a model as it stands in a file, in short or as a mapping.

import { keysOf, read } from './kinds.ts'
import { type ModelKeys, modelSchemas, SHORT_PROVIDERS } from './model-schema.ts'
import { listed, nearest } from './problems.ts'
import { accept, chooseOne, type Expectation, plainOf, type Reader, unknownKey, wrong } from './reader.ts'
import { entriesOf, isOpen, nodeAt, type Path, pathText, type Tree, textOf, valueOf } from './tree.ts'

/** More than anybody waits for, one after the other. */
const FALLBACKS_MAX = 8

/** The models that stand in for an agent's own, in their order; null for each that cannot be read. */
export function readFallbackModels(reader: Reader, path: Path, own: ModelKeys | null): (ModelKeys | null)[] {
  const node = nodeAt(reader.root, path)
  if (node === undefined || isOpen(node)) return []
  const note = (span: Tree, at: Path, message: string) => void reader.findings.push({ span, path: at, message })
  if (node.kind !== 'list' || node.items.length === 0 || node.items.length > FALLBACKS_MAX) {
    reader.findings.push(wrong(reader, path, `expected a list of 1 to ${FALLBACKS_MAX} models such as [openai:NAME]`))
    return []
  }
  if (own?.provider === 'echo') note(node, path, 'has no effect: the echo model is never away')
  const before = [own]
  return node.items.map((item, index) => {
    const at = [...path, index]
    const model = readModel(reader, at)
    const isRepeated = model !== null && before.some((one) => sameness(one) === sameness(model))
    if (isRepeated) note(item, at, 'has no effect: this model was asked before')
    else if (before.at(-1)?.provider === 'echo' && index > 0)
      note(item, at, 'has no effect: echo before it is never away')
    before.push(model)
    return model
  })
}

/** Two models of which the second cannot answer when the first does not. */
function sameness(model: ModelKeys | null): string {
  if (model === null) return ''
  if (model.provider === 'echo') return 'echo'
  return JSON.stringify([model.provider, model.name, model.base_url ?? null])
}

/** Of a model that is asked over the network. */
export const HOSTED_FORMS = `expected "PROVIDER:NAME" with ${listed(SHORT_PROVIDERS)}, or a mapping with provider`
const MODEL_FORMS = HOSTED_FORMS.replace('expected', 'expected "echo",')

/** `forms`: what is said that a model can be, where it cannot be read. */
export function readModel(reader: Reader, path: Path, forms = MODEL_FORMS): ModelKeys | null {
  const node = nodeAt(reader.root, path)
  if (node?.kind === 'map') return readModelMapping(reader, path, node)
  if (isOpen(node)) return null
  const short = textOf(node)
  const [provider = '', ...rest] = short?.split(':') ?? []
  const name = rest.join(':').trim()
  const hosted = SHORT_PROVIDERS.find((known) => known === provider)
  if (short === 'echo') return { provider: 'echo', delay: 0 }
  if (hosted !== undefined && name !== '') {
    return {
      provider: hosted,
      name,
      api_key: pathText([...path, 'api_key']),
      base_url: undefined,
      context: undefined,
      prices: undefined,
    }
  }
  reader.findings.push(wrong(reader, path, short === null ? forms : modelExpected(forms, provider, name)))
  return null
}

function modelExpected(forms: string, provider: string, name: string): Expectation {
  if (provider === 'openai-compatible') {
    return { expected: `${forms}; this one needs a mapping with name and base_url`, near: '' }
  }
  const whole = name === '' ? ofOtherGateways(provider) : null
  const meant = nearest(provider, ['echo', ...SHORT_PROVIDERS])
  const near = whole ?? (meant === null || meant === 'echo' ? meant : `${meant}:${name || 'NAME'}`)
  return { expected: forms, near: near === null ? '' : ` (did you mean "${near}"?)` }
}

/** A model as other gateways name it: `openai/gpt-4o`, or by its name alone, which says whose it is. */
function ofOtherGateways(written: string): string | null {
  const [, before, rest = ''] = /^([a-z]+)\/(.+)$/.exec(written) ?? []
  const provider = SHORT_PROVIDERS.find((known) => known === before)
  if (provider !== undefined) return `${provider}:${rest}`
  const maker = MAKERS.find(([begins]) => begins.test(written))
  return maker === undefined ? null : `${maker[1]}:${written}`
}

const MAKERS = [
  [/^(gpt-|chatgpt-|o\d)/, 'openai'],
  [/^claude-/, 'anthropic'],
  [/^gemini-/, 'google'],
] as const

function readModelMapping(reader: Reader, path: Path, node: Tree): ModelKeys | null {
  const provider = valueOf(node, 'provider')
  const schema = Object.entries(modelSchemas).find(([name]) => name === textOf(provider))?.[1]
  if (schema !== undefined) {
    const reading = read<ModelKeys>(schema, plainOf(node, path))
    return accept(reader, path, { reading, known: keysOf(schema) })
  }
  chooseOne(reader, [...path, 'provider'], Object.keys(modelSchemas))
  const known = new Set(Object.values(modelSchemas).flatMap(keysOf))
  for (const [key] of entriesOf(node)) {
    if (!known.has(key)) reader.findings.push(unknownKey(reader, [...path, key], known))
  }
  return null
}
