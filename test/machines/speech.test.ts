// Speech: what it took to make text of it, by whoever counts it.

import { expect, test } from 'vitest'
import type { SpeechPrices, TranscriptionDefinition } from '../../machines/definitions.ts'
import { spentOnCutSpeech, spentOnSpeech } from '../../machines/speech.ts'

const FREE: TranscriptionDefinition = {
  ...{ provider: 'openai', name: 'whisper-1', baseUrl: null, apiKey: { secret: 's' } },
  prices: null,
}
const priced = (prices: Partial<SpeechPrices>): TranscriptionDefinition => {
  return { ...FREE, prices: { perMinute: 0, inputPerMillion: 0, outputPerMillion: 0, ...prices } }
}

const amount = (inputTokens: number, outputTokens: number, cost: number | null = null) => {
  return { inputTokens, outputTokens, cost }
}

/** Four tokens of text. */
const TEXT = 'abc'.repeat(4)
const untold = { text: TEXT, seconds: null, tokens: null }

test.each([
  ['the platform alone says how long it is', untold, 12, { ...amount(120, 4), estimated: amount(120, 4) }, 12],
  [
    'its server says so, too',
    { ...untold, seconds: 10.42 },
    12,
    { ...amount(105, 4), estimated: amount(105, 4) },
    10.42,
  ],
  ['its server counts tokens', { ...untold, tokens: { inputTokens: 99, outputTokens: 5 } }, 12, amount(99, 5), 12],
  ['nobody says how long it is', untold, null, { ...amount(0, 4), estimated: amount(0, 4) }, 0],
  ['there was nothing in it', { ...untold, text: '' }, null, amount(0, 0), 0],
])('%s', (_, heard, platformSeconds, spent, speechSeconds) => {
  expect(spentOnSpeech(FREE, heard, platformSeconds)).toStrictEqual({ ...spent, speechSeconds })
})

test('its cost is the sum of what has a price; what is counted by the minute is no estimate', () => {
  const each = { perMinute: 6, inputPerMillion: 1_000_000, outputPerMillion: 10_000_000 }
  expect(spentOnSpeech(priced({ perMinute: 6 }), untold, 30)).toMatchObject({ cost: 3, estimated: { cost: 0 } })
  expect(spentOnSpeech(priced(each), untold, 30)).toMatchObject({ cost: 343, estimated: { cost: 340 } })
  const tokens = { inputTokens: 2, outputTokens: 3 }
  expect(spentOnSpeech(priced(each), { ...untold, tokens }, 30)).toMatchObject({ cost: 35 })
})

test('of a request that was cut all is an estimate, and nothing of its text is known', () => {
  expect(spentOnCutSpeech(priced({ perMinute: 6 }), 30)).toStrictEqual({
    ...amount(300, 0, 3),
    speechSeconds: 30,
    estimated: amount(300, 0, 3),
  })
  expect(spentOnCutSpeech(FREE, null)).toMatchObject({ ...amount(0, 0), speechSeconds: 0 })
})
