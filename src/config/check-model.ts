// Check model: a model as it stands in a file, in short or as a mapping.

import { keysOf, read } from './kinds.ts'
import { type ModelKeys, modelSchemas, SHORT_PROVIDERS } from './model-schema.ts'
import { listed, nearest } from './problems.ts'
import { accept, chooseOne, type Expectation, plainOf, type Reader, unknownKey, wrong } from './reader.ts'
import { entriesOf, isOpen, nodeAt, type Path, pathText, type Tree, textOf, valueOf } from './tree.ts'

const MODEL_FORMS = `expected "echo", "PROVIDER:NAME" with ${listed(SHORT_PROVIDERS)}, or a mapping with provider`

export function readModel(reader: Reader, path: Path): ModelKeys | null {
  const node = nodeAt(reader.root, path)
  if (node?.kind === 'map') return readModelMapping(reader, path, node)
  if (isOpen(node)) return null
  const short = textOf(node)
  const [provider = '', ...rest] = short?.split(':') ?? []
  const name = rest.join(':').trim()
  const hosted = SHORT_PROVIDERS.find((known) => known === provider)
  if (short === 'echo') return { provider: 'echo', delay: 0 }
  if (hosted !== undefined && name !== '') {
    return { provider: hosted, name, api_key: pathText([...path, 'api_key']), base_url: undefined }
  }
  reader.findings.push(wrong(reader, path, short === null ? MODEL_FORMS : modelExpected(provider, name)))
  return null
}

function modelExpected(provider: string, name: string): Expectation {
  if (provider === 'openai-compatible') {
    return { expected: `${MODEL_FORMS}; this one needs a mapping with name and base_url`, near: '' }
  }
  const meant = nearest(provider, ['echo', ...SHORT_PROVIDERS])
  const whole = meant === 'echo' ? meant : `${meant}:${name || 'NAME'}`
  return { expected: MODEL_FORMS, near: meant === null ? '' : ` (did you mean "${whole}"?)` }
}

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
