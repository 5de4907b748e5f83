// Metrics, through the binary: what happened before anybody asked is counted, too.

import { expect } from 'vitest'
import { readExposition, valueOf } from '../support/exposition.ts'
import { modelAgents, openModel, post, run, scenario, statusOf, textOf } from '../support/scenario.ts'
import { watch } from '../support/watching.ts'

scenario('the first answer of /metrics holds what happened before it, and the state of this moment', async () => {
  const model = await openModel()
  model.always(() => 'an answer')
  const { gateway } = await run({ agents: modelAgents(model), channels: { web: { platform: 'web', agent: 'cfo' } } })
  const anna = await watch(gateway, 'web', 'lobby')
  for (const text of ['one', 'two', '/help']) {
    expect((await post(gateway, 'web', { conversation: 'lobby', user: 'anna', text, message_id: text })).status).toBe(
      202,
    )
  }
  await post(gateway, 'web', { conversation: 'lobby', user: 'anna', text: 'one', message_id: 'one' })
  await anna.answered(3)

  const text = await textOf(gateway, '/metrics')
  const samples = readExposition(text)
  const value = (name: string, labels?: Readonly<Record<string, string>>) => valueOf(samples, name, labels)
  expect(value('troupe_messages_accepted_total', { channel: 'web' })).toBe(3)
  expect(value('troupe_messages_duplicate_total', { channel: 'web' })).toBe(1)
  expect(value('troupe_messages_settled_total', { channel: 'web', outcome: 'answered' })).toBe(3)
  expect(value('troupe_runs_total', { agent: 'cfo', outcome: 'done' })).toBe(2)
  expect(value('troupe_run_seconds_count')).toBe(2)
  expect(value('troupe_pending_seconds_count')).toBe(2)
  expect(value('troupe_replies_total', { channel: 'web', outcome: 'delivered' })).toBe(3)
  expect(value('troupe_tokens_total')).toBeGreaterThan(0)
  // Accepts, turns, receipts: some share a transaction.
  expect(value('troupe_store_commit_seconds_count')).toBeGreaterThan(3)
  expect(value('troupe_messages', { outcome: 'answered' })).toBe(3)
  expect(value('troupe_channel_state', { channel: 'web', state: 'live' })).toBe(1)
  expect(value('troupe_sessions', { state: 'idle' })).toBe((await statusOf(gateway)).sessions.idle)
  expect(samples.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'troupe_uptime_seconds',
      'troupe_event_loop_delay_seconds',
      'process_resident_memory_bytes',
    ]),
  )
  expect(text).not.toContain('lobby')
})
