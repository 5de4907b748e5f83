// The OpenAI adapter under the suite that every adapter must pass. Its person is a client that waits for each answer.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { createOpenAiAdapter, type OpenAiAdapter } from '../../src/channels/openai.ts'
import { adapterParts } from '../support/adapter-parts.ts'
import { settled } from '../support/world.ts'
import { type AdapterHarness, brokenAdapter, failingChecks } from './contract.ts'
import { describeAdapter } from './describe-adapter.ts'

describeAdapter('openai', openOpenAi)

test('the suite catches an OpenAI adapter that tells nobody, and one that claims to tell everybody', async () => {
  const failing = await failingChecks(async () => {
    const harness = await openOpenAi()
    return { ...harness, build: () => brokenAdapter(harness.build()) }
  })
  expect(failing).toEqual(
    expect.arrayContaining([
      'a sent reply is shown, and its receipt is new each time',
      'S50 a long reply loses nothing, in however many parts',
    ]),
  )
  // It says that it shows everything, and shows answers alone.
  const silent = await failingChecks(async () => {
    const harness = await openOpenAi()
    return { ...harness, build: () => Object.assign(harness.build(), { shownTo: undefined }) }
  })
  expect(silent).toContain(UNASKED)
})

const UNASKED = 'a reply that nobody asked for is shown all the same, or taken and shown to nobody: as the adapter says'

async function openOpenAi(): Promise<AdapterHarness> {
  const built: OpenAiAdapter[] = []
  const conversation = 'cfo/anna'
  const answers: string[] = []

  /** Resolves once the message is on disk, or was turned away; its answer comes later. */
  function ask(adapter: OpenAiAdapter, text: string, messageId: string): Promise<'held' | 'turnedAway' | 'refused'> {
    const question = { agent: 'cfo', conversation, user: 'anna', text, earlier: [], brief: null, messageId }
    return new Promise((resolve, reject) => {
      const asking = { accepted: () => resolve('held'), delta: () => {}, recall: async () => null, withdraw: () => {} }
      adapter.ask(question, asking, new AbortController().signal).then(
        (end) => {
          if (end.kind === 'turnedAway') resolve('turnedAway')
          if (end.kind === 'answered') answers.push(end.text)
        },
        (error: unknown) => (error instanceof FailureError ? resolve('refused') : reject(error)),
      )
    })
  }

  return {
    conversation,
    build() {
      const adapter = createOpenAiAdapter(adapterParts({ definition: { id: '@openai', platform: 'openai' } }))
      built.push(adapter)
      return adapter
    },
    async write(text, id) {
      for (const adapter of built) {
        const written = await ask(adapter, text, id)
        if (written !== 'turnedAway') return written
      }
      return 'refused'
    },
    async shown() {
      await settled()
      return answers
    },
    async close() {
      for (const adapter of built) adapter.endAll()
    },
  }
}
