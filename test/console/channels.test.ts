// Channels on the console page: the roll call as it changes, the operator's hand, and what is said of the gateway itself.

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { channelStatus } from '../http/double.ts'
import { checkFits, lookAgain, soon } from './browser.ts'
import { crowd } from './crowd.ts'
import { useStage } from './stage.ts'

const stage = useStage()

const open = (path = '/#/channels') => stage.open({ path })
const row = (page: Page, id: string) => page.locator(`#roll-call [data-channel=${id}]`)

test('C3: the roll call shows every channel with state and reason, and follows what happens', async () => {
  const page = await open()
  const { others } = stage.gateway
  others.set('telegram_cfo', channelStatus('telegram_cfo', 'telegram', 'failed', 'Telegram refused the token.'))
  await lookAgain(page)
  await page.locator('#live-count', { hasText: '2 of 3 channels live' }).waitFor()
  expect(await row(page, 'telegram_cfo').textContent()).toMatch(/failed.*Telegram refused the token\./)
  expect(await page.locator('#badge-channels').textContent()).toBe('1')
  others.set('telegram_cfo', channelStatus('telegram_cfo', 'telegram', 'live'))
  await lookAgain(page)
  await page.locator('#live-count', { hasText: '3 of 3 channels live' }).waitFor()
  // As soon as all are live the number is that of the dead letters.
  expect(await page.locator('#badge-channels').textContent()).toBe('1')
  expect(await row(page, 'telegram_cfo').textContent()).toMatch(/^telegram_cfolive/)
  await page.locator('#channel-detail').getByText('1 dead letter').waitFor()
})

test('a channel is paused, resumed and reconnected by its buttons', async () => {
  const page = await open('/#/channels/cfo')
  const hand = (name: string) => page.locator('#channel-detail').getByRole('button', { name, exact: true })
  // Each is a request of its own, and two of them may overtake one another.
  const takes = (...verbs: string[]) =>
    soon(() => stage.gateway.calls.filter((call) => call.startsWith('control'))).toEqual(
      verbs.map((verb) => `control cfo ${verb}`),
    )
  await page.locator('#channel-detail .pill', { hasText: 'live' }).waitFor()
  await hand('Pause').click()
  await takes('pause')
  await hand('Reconnect').click()
  await takes('pause', 'reconnect')
  expect(await hand('Resume').isDisabled()).toBe(true)
  await stage.channel('cfo').disconnect()
  await lookAgain(page)
  await page.locator('#channel-detail .pill', { hasText: 'paused' }).waitFor()
  await hand('Resume').click()
  stage.channel('cfo').connect()
  await lookAgain(page)
  await page.locator('#channel-detail .pill', { hasText: 'live' }).waitFor()
  await takes('pause', 'reconnect', 'resume')
})

test('people are let in and sent away, dead letters tried again', async () => {
  const page = await stage.open({
    path: '/#/channels',
    set(gateway) {
      const at = new Date().toISOString()
      let code: string | null = 'ABC'
      gateway.pairings = async () => [{ channel: 'cfo', user: '7', name: 'Anna', code, at }]
      gateway.approvePairing = async () => {
        code = null
        return { channel: 'cfo', user: '7', name: 'Anna', code, at }
      }
    },
  })
  await page.getByText('1 person would like to be let in').waitFor()
  await page.getByRole('button', { name: 'Let in' }).click()
  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('button', { name: 'Try again' }).click()
  await soon(() => stage.gateway.calls).toContain('retryDeadLetter 7')
  await soon(() => stage.gateway.calls).toContain('revokePairing cfo 7')
})

test('a gateway that goes away and comes back is said, once', async () => {
  const page = await open()
  await row(page, 'cfo').waitFor()
  await stage.end()
  await lookAgain(page)
  await page.locator('#banner', { hasText: 'The gateway does not answer. Trying again' }).waitFor()
  expect(await page.locator('#gateway-state').textContent()).toBe('not reachable')
  // What was known stays on the page.
  expect(await row(page, 'cfo').textContent()).toContain('live')
  await stage.startAgain()
  await lookAgain(page)
  await page.locator('#banner', { hasText: 'The gateway answers again.' }).waitFor()
  await page.locator('#gateway-state', { hasText: 'serving' }).waitFor()
})

test('by keyboard alone: sections by their numbers, a channel by arrows and Enter, back by Escape', async () => {
  const page = await open()
  await row(page, 'ops').waitFor()
  await page.keyboard.press('4')
  await page.locator('#actors-tree').waitFor()
  await page.keyboard.press('1')
  // What is not shown yet cannot be focused, and a key would be lost.
  await row(page, 'cfo').waitFor()
  await row(page, 'cfo').locator('a').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.locator('#channel-detail h2', { hasText: /^ops$/ }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('#channel-detail h2', { hasText: '2 of 2 channels live' }).waitFor()
  await page.keyboard.press('?')
  await page.getByRole('heading', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('heading', { name: 'Keys' }).waitFor({ state: 'hidden' })
})

test('every view fits a narrow screen, as a list and as what was picked from it', async () => {
  const page = await stage.open({ path: '/#/channels', set: (gateway) => void crowd(gateway, 50) })
  await page.setViewportSize({ width: 320, height: 600 })
  const places = [
    'channels',
    'channels/cfo',
    'sessions',
    'sessions/cfo%2Fperson-00001',
    'chat',
    'chat/cfo',
    'actors',
    'actors/gateway',
  ]
  for (const place of places) {
    await page.evaluate(`location.hash = '#/${place}'`)
    const [view, picked] = place.split('/')
    await page.locator(`#view-${view}${picked === undefined ? ':not(.detail-shown)' : '.detail-shown'}`).waitFor()
    await checkFits(page)
  }
  await page.evaluate(`document.querySelector('.rail').style.minWidth = '500px'`)
  await expect(checkFits(page)).rejects.toThrow()
})

/** Throws where a text of the page is hard to read: WCAG AA asks for 4.5 to 1. */
async function checkContrast(page: Page): Promise<void> {
  const pairs = [
    'ink paper',
    'ink-soft paper',
    'ink-soft panel',
    'accent paper',
    'accent-ink accent',
    'good paper',
    'waiting paper',
    'bad paper',
    'bad bad-wash',
    'waiting waiting-wash',
    'ink accent-wash',
  ]
  const ratios = await page.evaluate<Record<string, number>>(`(() => {
    const probe = document.body.appendChild(document.createElement('i'))
    const light = (name) => {
      probe.style.color = 'var(--' + name + ')'
      const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map((n) => {
        const part = n / 255
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    return Object.fromEntries(${JSON.stringify(pairs)}.map((pair) => [pair, ratio(...pair.split(' ').map(light))]))
  })()`)
  for (const [pair, ratio] of Object.entries(ratios)) expect(ratio, pair).toBeGreaterThanOrEqual(4.5)
}

test('every colour of text stands out from its ground, in light and in dark', async () => {
  const page = await open()
  const grounds = new Set<string>()
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await checkContrast(page)
    grounds.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
  }
  expect(grounds.size).toBe(2)
  // A person may ask for the other one.
  await page.locator('#theme').click()
  expect(await page.evaluate('getComputedStyle(document.body).colorScheme')).toBe('light')
  await page.evaluate(`document.documentElement.style.setProperty('--ink-soft', '#bbb')`)
  await expect(checkContrast(page)).rejects.toThrow('ink-soft')
})
