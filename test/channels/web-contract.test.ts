// The web adapter under the suite that every adapter must pass.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { createWebAdapter, type WebAdapter } from '../../src/channels/web.ts'
import { MemoryJournal, manualWorld, silentLog, webDefinition } from '../http/double.ts'
import { type AdapterHarness, brokenAdapter, failingChecks } from './contract.ts'
import { testUploads } from '../support/uploads.ts'
import { describeAdapter } from './describe-adapter.ts'

describeAdapter('web', openWeb)

test('the suite catches a web adapter that loses messages and sends nothing', async () => {
  const failing = await failingChecks(async () => {
    const harness = await openWeb()
    return { ...harness, build: () => brokenAdapter(harness.build()) }
  })
  expect(failing).toEqual(
    expect.arrayContaining([
      'a sent reply is shown, and its receipt is new each time',
      'S50 a long reply loses nothing, in however many parts',
    ]),
  )
})

async function openWeb(): Promise<AdapterHarness> {
  const journal = new MemoryJournal()
  const built: WebAdapter[] = []
  const world = manualWorld()
  return {
    conversation: 'c',
    build() {
      const adapter = createWebAdapter({
        definition: webDefinition('a'),
        secret: () => '',
        journal,
        uploads: testUploads(),
        world,
        log: silentLog,
      })
      built.push(adapter)
      return adapter
    },
    async write(text, id) {
      for (const adapter of built) {
        const reception = await adapter
          .post({ conversation: 'c', user: 'u', text, attachments: [], messageId: id })
          .catch(refused)
        if (reception === 'refused') return 'refused'
        if (reception.accepted) return 'held'
      }
      return 'refused'
    },
    async shown() {
      return journal.entries.filter((entry) => entry.role === 'assistant').map((entry) => entry.text)
    },
    async close() {},
  }
}

/** The poster of a message learns that it was not kept, as a 503. */
function refused(error: unknown): 'refused' {
  if (error instanceof FailureError) return 'refused'
  throw error
}
