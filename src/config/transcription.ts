// Transcription: what makes text of speech, as an agent's `transcription` says it: in short, or as a mapping by provider.

import type { TranscriptionDefinition } from '../../machines/definitions.ts'
import { keysOf, read, secret, text, url, z } from './kinds.ts'
import { accept, chooseOne, plainOf, type Reader, unknownKey, wrong } from './reader.ts'
import { entriesOf, isOpen, nodeAt, type Path, pathText, type Tree, textOf, valueOf } from './tree.ts'

const name = text('expected the name of a transcription model such as whisper-1').describe('For example whisper-1.')

export const transcriptionSchemas = {
  'openai-compatible': z.strictObject({
    provider: z.literal('openai-compatible').describe('Any server with the transcription route of the OpenAI API.'),
    name,
    base_url: url.describe('The address of the API, for example http://127.0.0.1:8000/v1.'),
    api_key: secret('a key').optional().describe('The key, when the server wants one.'),
  }),
  openai: z.strictObject({
    provider: z.literal('openai').describe('OpenAI; its key is in OPENAI_API_KEY.'),
    name,
    base_url: url.optional().describe("Another endpoint than the provider's usual one."),
    api_key: secret('a key').optional().describe("The key. Default: the provider's usual variable."),
  }),
}

export const shortTranscription = z
  .string()
  .regex(/^openai:\S.*$/)
  .describe('"openai:NAME", for example openai:whisper-1.')

export type TranscriptionKeys = z.infer<(typeof transcriptionSchemas)[keyof typeof transcriptionSchemas]>

const FORMS = 'expected "openai:NAME", or a mapping with provider'

/** null: it is not given, or cannot be read. */
export function readTranscription(reader: Reader, path: Path): TranscriptionKeys | null {
  const node = nodeAt(reader.root, path)
  if (node === undefined || isOpen(node)) return null
  if (node.kind === 'map') return readMapping(reader, path, node)
  const short = /^openai:(.*)$/s.exec(textOf(node) ?? '')?.[1]?.trim() ?? ''
  if (short !== '') {
    return { provider: 'openai', name: short, api_key: pathText([...path, 'api_key']), base_url: undefined }
  }
  reader.findings.push(wrong(reader, path, FORMS))
  return null
}

function readMapping(reader: Reader, path: Path, node: Tree): TranscriptionKeys | null {
  const provider = textOf(valueOf(node, 'provider'))
  const schema = Object.entries(transcriptionSchemas).find(([known]) => known === provider)?.[1]
  if (schema !== undefined) {
    const reading = read<TranscriptionKeys>(schema, plainOf(node, path))
    return accept(reader, path, { reading, known: keysOf(schema) })
  }
  chooseOne(reader, [...path, 'provider'], Object.keys(transcriptionSchemas))
  const known = new Set(Object.values(transcriptionSchemas).flatMap(keysOf))
  for (const [key] of entriesOf(node)) {
    if (!known.has(key)) reader.findings.push(unknownKey(reader, [...path, key], known))
  }
  return null
}

export function transcriptionDefinition(id: string, keys: TranscriptionKeys | null): TranscriptionDefinition | null {
  if (keys === null) return null
  const apiKey = keys.api_key === undefined ? null : { secret: keys.api_key }
  if (keys.provider === 'openai-compatible') {
    return { provider: keys.provider, name: keys.name, baseUrl: keys.base_url, apiKey }
  }
  const usual = { secret: pathText(['agents', id, 'transcription', 'api_key']) }
  return { provider: keys.provider, name: keys.name, baseUrl: keys.base_url ?? null, apiKey: apiKey ?? usual }
}
