// Sessions on the console page: ten thousand of them in a list that draws and asks for what is on screen, and the record of one.

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { RecordEntryView } from '../../src/http/port.ts'
import { lookAgain, soon } from './browser.ts'
import { sessionView } from '../http/double.ts'
import { crowd } from './crowd.ts'
import { useStage } from './stage.ts'

const stage = useStage()

const rows = (page: Page) => page.locator('#sessions-list .row')
const row = (page: Page, name: string) => page.locator('#sessions-list .row', { hasText: name })

/** Throws when the page draws more than a screenful of a list, or its box is not as high as the whole list. */
async function checkBounded(page: Page, list: string, height: number): Promise<void> {
  const found = await page.evaluate<{ elements: number; height: number }>(`({
    elements: document.querySelectorAll('*').length,
    height: document.querySelector('${list}').scrollHeight,
  })`)
  expect(found.elements).toBeLessThan(1_000)
  expect(found.height).toBeGreaterThanOrEqual(height)
}

test('of 10,000 sessions only those on screen are drawn and asked for, at the top, at the end and in between', async () => {
  let all: ReturnType<typeof crowd> | undefined
  const page = await stage.open({ path: '/#/sessions', set: (gateway) => void (all = crowd(gateway)) })
  await row(page, 'person-00000').waitFor()
  // How many there are is in the gateway's report, which may come after the first of them.
  await page.locator('#sessions-count', { hasText: '10000' }).waitFor()
  await checkBounded(page, '#sessions-list', 10_000 * 50)
  // A page of 50 every two seconds, on a slow machine too.
  expect(all?.rows.sessions).toBeLessThan(500)
  await page.locator('#sessions-list').focus()
  await page.keyboard.press('End')
  await row(page, 'person-09999').waitFor()
  await page.evaluate(`document.querySelector('#sessions-list').scrollTop = 250_000`)
  await row(page, 'person-04320').waitFor()
  await checkBounded(page, '#sessions-list', 10_000 * 50)
  expect(all?.rows.sessions).toBeLessThan(1_000)
})

test('the check for a bounded page catches one that draws everybody', async () => {
  const page = await stage.open({ path: '/#/sessions', set: (gateway) => void crowd(gateway) })
  await row(page, 'person-00000').waitFor()
  await page.locator('#sessions-count', { hasText: '10000' }).waitFor()
  await page.evaluate(`document.querySelector('.rows-space').append(
    ...Array.from({ length: 10_000 }, () => document.createElement('div')))`)
  await expect(checkBounded(page, '#sessions-list', 10_000 * 50)).rejects.toThrow()
})

test('by keyboard: search with /, go down, open with Enter; a filter narrows it further', async () => {
  const page = await stage.open({ path: '/#/sessions', set: (gateway) => void crowd(gateway) })
  await row(page, 'person-00000').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('0123')
  await row(page, 'person-00123').waitFor()
  await soon(() => rows(page).count()).toBe(11)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  const picked = page.locator('#sessions-list [aria-selected=true]')
  await picked.waitFor()
  await page.locator('#session-detail h2', { hasText: /person-0123|person-00123/ }).waitFor()
  await page.selectOption('#sessions-state', 'running')
  await soon(() => rows(page).allTextContents()).toEqual([expect.stringContaining('person-01237')])
  await page.fill('#sessions-search', 'nobody')
  await page.getByText('No session has “nobody”').waitFor()
})

test('a row that is to be drawn anew while it is pressed is opened all the same', async () => {
  const page = await stage.open({ path: '/#/sessions', set: (gateway) => void crowd(gateway, 5) })
  const pressed = row(page, 'person-00003')
  await pressed.locator('.state', { hasText: 'passivated' }).waitFor()
  await pressed.locator('.state').hover()
  await page.mouse.down()
  // Its state is another one now, and the page has been told so.
  const { sessions } = stage.gateway
  let asked = 0
  stage.gateway.sessions = async (...query) => {
    asked += 1
    return (await sessions(...query)).map((each) => ({ ...each, state: 'running' }))
  }
  await lookAgain(page)
  await soon(() => asked).toBeGreaterThan(1)
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))')
  await page.mouse.up()
  await page.locator('#session-detail h2', { hasText: 'person-00003' }).waitFor()
  await pressed.locator('.state', { hasText: 'running' }).waitFor()
})

const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString()
const sender = { id: '7', name: 'Anna', handle: null }
const message = { kind: 'message', text: 'What is due?', sender, command: null, tries: 1, reason: null }
const calls = [{ id: 'c1', tool: 'invoices', input: { month: 3 } }]

const RECORD: readonly RecordEntryView[] = [
  { ...message, id: 1, at: at(1), outcome: 'answered', settled_at: at(6) },
  { kind: 'step', id: 1, at: at(2), turn: 'turn-1', step: { kind: 'answer', text: '', calls, atMs: 0 } },
  {
    kind: 'step',
    id: 2,
    at: at(3),
    turn: 'turn-1',
    step: { kind: 'decision', call: 'c1', approved: true, by: 'Anna' },
  },
  { kind: 'step', id: 3, at: at(4), turn: 'turn-1', step: { kind: 'result', call: 'c1', text: 'two', failed: false } },
  { kind: 'transcript', id: 1, at: at(6), role: 'user', turn: 'turn-1', text: 'What is due?', sender },
  { kind: 'transcript', id: 2, at: at(6), role: 'assistant', turn: 'turn-1', text: '**Two** invoices.', sender: null },
  {
    kind: 'delivery',
    id: 9,
    at: at(6),
    text: '**Two** invoices.',
    parts_sent: 1,
    outcome: 'delivered',
    delivered_at: at(7),
    uncertain: true,
  },
  { ...message, id: 2, at: at(8), text: 'And?', outcome: null, settled_at: null },
  { kind: 'dead_letter', id: 7, at: at(9), of: 'reply', text: 'x', reason: 'The person blocked the bot.' },
  { kind: 'weather_report', id: 1, at: at(10), sky: 'grey', wind: { from: 'west' } },
]

async function openRecord(set: (gateway: typeof stage.gateway) => void): Promise<Page> {
  return stage.open({
    path: '/#/sessions/cfo%2Fperson-00007',
    set(gateway) {
      crowd(gateway, 20)
      set(gateway)
    },
  })
}

test('a session’s record has everything that happened in time order; an unknown kind is shown plainly', async () => {
  const page = await openRecord((gateway) => {
    gateway.record = async (key) => ({ session: sessionView(key, 'idle'), entries: RECORD, older: null })
  })
  const entries = page.locator('#session-detail .entry')
  await soon(() => entries.count()).toBe(RECORD.length - 1)
  const texts = await entries.allTextContents()
  const wanted = [
    /Anna.*answered after 5\.0 s.*What is due\?/,
    /Asks for a tool.*turn 1.*invoices \{"month":3\}/,
    /invoices: approved by Anna/,
    /invoices.*gave back.*two/,
    /Answer.*turn 1.*Two invoices\./,
    /Delivered in 1\.0 s.*may stand there twice/,
    /Anna.*not settled yet.*And\?/,
    /Nobody received this reply: The person blocked the bot\..*Try again/,
    /weather report.*sky.*grey.*wind/,
  ]
  for (const [index, pattern] of wanted.entries()) expect(texts[index]).toMatch(pattern)
  await page.getByRole('button', { name: 'Try again' }).click()
  await soon(() => stage.gateway.calls).toContain('retryDeadLetter 7')
})

test('older entries are fetched when they are asked for; what is read stays, and a retried dead letter goes', async () => {
  let letters = RECORD.slice(8, 9)
  const page = await openRecord((gateway) => {
    gateway.record = async (key, before) =>
      before === null
        ? { session: sessionView(key), entries: [...RECORD.slice(6, 8), ...letters], older: '1.2.3.4' }
        : { session: sessionView(key), entries: RECORD.slice(0, 6), older: null }
  })
  const entries = page.locator('#session-detail .entry')
  await soon(() => entries.count()).toBe(3)
  await page.getByRole('button', { name: 'Older' }).click()
  await soon(() => entries.count()).toBe(8)
  await page.getByRole('button', { name: 'Older' }).waitFor({ state: 'hidden' })
  letters = []
  await lookAgain(page)
  await soon(() => entries.count()).toBe(7)
})

test('a run is stopped from its session’s record; a session at rest has nothing to stop', async () => {
  const page = await openRecord(() => {})
  await page.locator('#session-detail .pill', { hasText: 'running' }).waitFor()
  await page.getByRole('button', { name: 'Stop run' }).click()
  await soon(() => stage.gateway.calls).toContain('stop cfo/person-00007')
  await row(page, 'person-00003').click()
  await page.locator('#session-detail .pill', { hasText: 'passivated' }).waitFor()
  expect(await page.getByRole('button', { name: 'Stop run' }).isVisible()).toBe(false)
})
