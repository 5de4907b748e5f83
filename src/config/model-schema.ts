// Model schema: what a model can be said to be, in short or as a mapping, by provider.

import { decimal, duration, secret, text, url, wholeNumber, z } from './kinds.ts'

/** Providers with an endpoint of their own, and the variables in which their keys usually are; the first that is set is used. */
export const PROVIDER_VARIABLES = {
  anthropic: ['ANTHROPIC_API_KEY'],
  openai: ['OPENAI_API_KEY'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
} as const

const modelName = text("expected the model's name").describe("The provider's name of the model.")
const apiKey = secret('a key').optional().describe("The key. Default: the provider's usual variable.")

/** Of one token the dearest model costs less than a tenth of a cent. */
export const PRICE_MAX = 1_000_000

/** The smallest that a conversation has room in, and far more than any model takes. */
const CONTEXT_TOKENS = { min: 1_000, max: 100_000_000 }

/** What a model takes in when its file does not say: less than most of them do. Too little costs a summary, too much an answer. */
export const CONTEXT_USUAL = {
  anthropic: 200_000,
  openai: 128_000,
  google: 128_000,
  'openai-compatible': 32_768,
} as const

const context = wholeNumber(CONTEXT_TOKENS.min, CONTEXT_TOKENS.max)
  .optional()
  .describe(
    `How many tokens it takes in at once. Default: ${CONTEXT_USUAL.anthropic} for anthropic, ${CONTEXT_USUAL.openai} for openai and google, ${CONTEXT_USUAL['openai-compatible']} for openai-compatible.`,
  )

const prices = z
  .strictObject({
    input_per_million: decimal(0, PRICE_MAX).describe('For a million tokens that it reads.'),
    output_per_million: decimal(0, PRICE_MAX).describe('For a million tokens that it writes.'),
  })
  .optional()
  .describe('What its tokens cost, in any one currency; usage then tells the cost.')

function hostedModel<const Provider extends keyof typeof PROVIDER_VARIABLES>(provider: Provider) {
  return z.strictObject({
    provider: z
      .literal(provider)
      .describe(`A model of this provider; its key is in ${PROVIDER_VARIABLES[provider][0]}.`),
    name: modelName,
    api_key: apiKey,
    base_url: url.optional().describe("Another endpoint than the provider's usual one."),
    context,
    prices,
  })
}

/** A model as a mapping, by provider. */
export const modelSchemas = {
  echo: z.strictObject({
    provider: z.literal('echo').describe('Answers with what it heard; offline, needs nothing.'),
    delay: duration(0, '200ms').prefault('0ms').describe('How long an answer takes.'),
  }),
  'openai-compatible': z.strictObject({
    provider: z
      .literal('openai-compatible')
      .describe('Any server that speaks the OpenAI API, for example a local one.'),
    name: modelName,
    base_url: url.describe('The address of the API, for example http://127.0.0.1:11434/v1.'),
    api_key: secret('a key').optional().describe('The key, when the server wants one.'),
    context,
    prices,
  }),
  anthropic: hostedModel('anthropic'),
  openai: hostedModel('openai'),
  google: hostedModel('google'),
}

/** What can stand before the colon of a model in short. */
export const SHORT_PROVIDERS = Object.keys(PROVIDER_VARIABLES) as (keyof typeof PROVIDER_VARIABLES)[] // as: its own keys

export const shortModel = z
  .string()
  .regex(/^(echo|(anthropic|openai|google):\S.*)$/)
  .describe('"echo", or "anthropic:NAME", "openai:NAME", "google:NAME".')

export type ModelKeys = z.infer<(typeof modelSchemas)[keyof typeof modelSchemas]>
