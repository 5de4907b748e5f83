// Transcription: what makes text of speech, as an agent's `transcription` says it: in short, or as a mapping by provider.

import type { SpeechPrices, TranscriptionDefinition } from '../../machines/definitions.ts'
import { decimal, keysOf, read, secret, text, url, z } from './kinds.ts'
import { PRICE_MAX } from './model-schema.ts'
import { accept, chooseOne, plainOf, type Reader, unknownKey, wrong } from './reader.ts'
import { entriesOf, isOpen, nodeAt, type Path, pathText, type Tree, textOf, valueOf } from './tree.ts'

const name = text('expected the name of a transcription model such as whisper-1').describe('For example whisper-1.')

const perMillion = (what: string) => decimal(0, PRICE_MAX).optional().describe(`For a million tokens ${what}.`)

const prices = z
  .strictObject({
    per_minute: decimal(0, PRICE_MAX).optional().describe('For a minute of speech.'),
    input_per_million: perMillion('that it hears'),
    output_per_million: perMillion('of text'),
  })
  .refine((given) => Object.keys(given).length > 0, {
    error: 'expected per_minute, or input_per_million and output_per_million',
    // A key with a slip in it is there, and is told of by itself.
    when: ({ issues }) => issues.length === 0,
  })
  .optional()
  .describe('What speech costs, in any one currency: the sum of what is given. Usage then tells the cost.')

export const transcriptionSchemas = {
  'openai-compatible': z.strictObject({
    provider: z.literal('openai-compatible').describe('Any server with the transcription route of the OpenAI API.'),
    name,
    base_url: url.describe('The address of the API, for example http://127.0.0.1:8000/v1.'),
    api_key: secret('a key').optional().describe('The key, when the server wants one.'),
    prices,
  }),
  openai: z.strictObject({
    provider: z.literal('openai').describe('OpenAI; its key is in OPENAI_API_KEY.'),
    name,
    base_url: url.optional().describe("Another endpoint than the provider's usual one."),
    api_key: secret('a key').optional().describe("The key. Default: the provider's usual variable."),
    prices,
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
    const whole = { provider: 'openai', name: short, api_key: pathText([...path, 'api_key']) } as const
    return { ...whole, base_url: undefined, prices: undefined }
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
  const prices = pricesIn(keys)
  if (keys.provider === 'openai-compatible') {
    return { provider: keys.provider, name: keys.name, baseUrl: keys.base_url, apiKey, prices }
  }
  const usual = { secret: pathText(['agents', id, 'transcription', 'api_key']) }
  return { provider: keys.provider, name: keys.name, baseUrl: keys.base_url ?? null, apiKey: apiKey ?? usual, prices }
}

function pricesIn({ prices }: TranscriptionKeys): SpeechPrices | null {
  if (prices === undefined) return null
  const { per_minute: perMinute = 0, input_per_million: input = 0, output_per_million: output = 0 } = prices
  return { perMinute, inputPerMillion: input, outputPerMillion: output }
}
