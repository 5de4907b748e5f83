// Actors on the console page: the tree that is as large as the gateway and drawn as far as it is open, and the statechart of one
// of them, lit by what it does and stepped back through.

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { drawingOf } from '../../src/start/drawing.ts'
import { machineNames } from '../../src/start/machines.ts'
import { soon } from './browser.ts'
import { crowd } from './crowd.ts'
import { useStage } from './stage.ts'

const stage = useStage()

const actor = (page: Page, place: string) => page.locator(`#actors-tree [data-place="${place}"]`)
const lit = (page: Page) =>
  page
    .locator('#actor-detail .chart [data-lit]')
    .evaluateAll((all) => all.map((each) => each.getAttribute('data-state')))
const ANNA = 'session:cfo%2Fperson-00007'

async function openActor(place: string, play: (all: ReturnType<typeof crowd>) => void) {
  let all: ReturnType<typeof crowd> | undefined
  const page = await stage.open({
    path: `/#/actors/${encodeURIComponent(place)}`,
    set(gateway) {
      all = crowd(gateway)
      play(all)
    },
  })
  if (all === undefined) throw new Error('there is a crowd')
  return { page, all }
}

test('the tree opens level by level by keyboard; with 10,000 sessions only what is open and on screen is there', async () => {
  const { page, all } = await openActor('gateway', (crowded) =>
    crowded.stand('gateway', { machine: 'gateway', state: 'serving' }),
  )
  await actor(page, 'channel:cfo').waitFor()
  await page.locator('#actors-tree').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await actor(page, 'channel:cfo/partition:0').waitFor()
  expect(await actor(page, 'channel:cfo').getAttribute('aria-expanded')).toBe('true')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await actor(page, 'session:cfo%2Fperson-00000').waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.locator('#actor-detail h2', { hasText: 'session:cfo/person-00000' }).waitFor()
  await page.locator('#actors-tree').focus()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await actor(page, 'session:cfo%2Fperson-00000').waitFor({ state: 'detached' })
  expect(await page.locator('#actors-tree .row').count()).toBeLessThan(60)
  expect(all.rows.actors).toBeLessThan(1_000)
  await page.fill('#actors-search', '09998')
  await page.locator('#actors-count', { hasText: '1 found' }).waitFor()
  await page.locator('#actors-tree .row', { hasText: 'person-09998' }).waitFor()
})

/** Throws where a state or an arrow of a machine is not in its drawing, or a label is cut off from it. */
async function checkDrawn(page: Page, name: string): Promise<void> {
  const drawing = drawingOf(name)
  const chart = page.locator('#actor-detail .chart svg')
  await page.locator(`#actor-detail .chart svg[aria-label="Statechart of ${name}"]`).waitFor()
  const states = await chart.locator('.state').evaluateAll((all) => all.map((each) => each.getAttribute('data-state')))
  expect(states).toEqual(drawing?.states.map(({ id }) => id))
  const arrows = await chart.locator('.arrow').evaluateAll((all) =>
    all.map((each) => ({
      told: each.querySelector('title')?.textContent ?? '',
      way: each.querySelector('path')?.getAttribute('d') ?? '',
    })),
  )
  const told = arrows.flatMap(({ told: words }) => words.split('\n'))
  expect(told).toHaveLength(drawing?.arrows.length ?? -1)
  for (const { way } of arrows) expect(way).toMatch(/^M[\d.]+,[\d.]+ [LQ]/)
  // Nested states stand inside those that they are in.
  const inside = await chart.locator('.state').evaluateAll((all) => {
    const box = (id: string) =>
      all
        .find((each) => each.getAttribute('data-state') === id)
        ?.querySelector('rect')
        ?.getBoundingClientRect()
    return all.every((each) => {
      const id = each.getAttribute('data-state') ?? ''
      if (id === '') return true
      const [own, around] = [box(id), box(id.split('.').slice(0, -1).join('.'))]
      return (
        own !== undefined &&
        around !== undefined &&
        own.top > around.top &&
        own.right < around.right &&
        own.bottom < around.bottom
      )
    })
  })
  expect(inside).toBe(true)
}

test('the chart of each machine is drawn with all its states, nested, and all its arrows, labelled', async () => {
  const { page } = await openActor(ANNA, (all) => {
    for (const machine of machineNames)
      all.stand(machine === 'session' ? ANNA : `channel:cfo/${machine}`, { machine, state: null })
  })
  for (const machine of machineNames) {
    const place = machine === 'session' ? ANNA : `channel:cfo/${machine}`
    await page.evaluate(`location.hash = '#/actors/${encodeURIComponent(place)}'`)
    await checkDrawn(page, machine)
  }
  await page.evaluate(`document.querySelector('#actor-detail .chart .arrow').remove()`)
  await expect(checkDrawn(page, machineNames.at(-1) ?? '')).rejects.toThrow()
})

test('what an actor does lights up as it does it, with its context and the arrow that was taken; stepping back shows it again', async () => {
  const { page, all } = await openActor(ANNA, (crowded) =>
    crowded.stand(ANNA, { machine: 'session', state: 'idle', context: { key: 'a', turnId: '' } }),
  )
  await soon(() => lit(page)).toEqual(['', 'idle'])
  await soon(() => [...all.followed]).toEqual([ANNA])
  all.take(
    ANNA,
    'message.routed',
    { pending: 'waiting' },
    { from: 'partition:0', message: { type: 'message.routed', routed: 4 }, context: { key: 'a', turnId: '' } },
  )
  await soon(() => lit(page)).toEqual(['', 'pending', 'pending.waiting'])
  all.take(ANNA, 'slot.granted', { pending: 'preparing' }, { from: 'gateway', context: { key: 'a', turnId: 'turn-4' } })
  await soon(() => lit(page)).toEqual(['', 'pending', 'pending.preparing'])
  const taken = page.locator('#actor-detail .chart [data-taken] title')
  expect(await taken.allTextContents()).toEqual(['slot.granted / takeTurn'])
  const transitions = page.locator('#actor-detail .transitions li')
  expect(await transitions.allTextContents()).toEqual([
    expect.stringMatching(/slot\.granted.*→ pending\.preparing/),
    expect.stringMatching(/message\.routed.*→ pending\.waiting/),
  ])
  await page.locator('#actor-detail .context .changed', { hasText: 'turn-4' }).waitFor()

  await page.locator('#actor-detail .transitions').focus()
  await page.keyboard.press('ArrowLeft')
  await soon(() => lit(page)).toEqual(['', 'pending', 'pending.waiting'])
  await page.locator('#actor-detail .told', { hasText: 'message.routed, from partition:0' }).waitFor()
  expect(await page.locator('#actor-detail .chart svg').getAttribute('data-tense')).toBe('past')
  // What happens meanwhile does not tear the reader away.
  all.take(ANNA, 'done', 'idle')
  await soon(() => transitions.count()).toBe(3)
  expect(await lit(page)).toEqual(['', 'pending', 'pending.waiting'])
  await page.keyboard.press('Escape')
  await soon(() => lit(page)).toEqual(['', 'idle'])
})

test('who is not in memory is said to be away, and seen when it comes; nobody is followed whom nobody looks at', async () => {
  const { page, all } = await openActor(ANNA, () => {})
  await page.getByText('Not in memory: its next message brings it back.').waitFor()
  await soon(() => [...all.followed]).toEqual([ANNA])
  all.take(ANNA, 'xstate.init', 'idle', { context: {} })
  await soon(() => lit(page)).toEqual(['', 'idle'])
  await page.keyboard.press('1')
  await soon(() => [...all.followed]).toEqual([])
})
