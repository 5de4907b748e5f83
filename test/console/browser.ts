// Browser: a real Chromium for the tests of the page, one for each file, and what must hold of every page whatever a test looks
// at: no script fails, the page's own policy refuses nothing, and nothing leaves the machine.
// What runs inside the page is written as text in the tests: the project's types know no browser.

import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

/** What is waited for is there by then, on a busy machine too. */
const WAIT_MS = 20_000

export interface Pages {
  open(url: string, options?: BrowserContextOptions): Promise<Page>
  /** Watches another page of the same context. */
  watch(page: Page): void
  /** What was complained of so far; taken, so that it does not fail the test. */
  complaints(): string[]
}

/** For one test file; `after` is done when the pages of a test are closed. */
export function usePages(after: () => Promise<void> = async () => {}): Pages {
  let browser: Browser
  const complaints: string[] = []

  beforeAll(async () => {
    if (!existsSync(CHROMIUM)) {
      throw new Error(
        `The console is tested in a real browser, and ${CHROMIUM} is missing. Install it: apt-get install chromium`,
      )
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...QUIET] })
  }, 60_000)
  afterAll(() => browser?.close())
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
    await after()
    expect(complaints.splice(0)).toEqual([])
  })

  function watch(page: Page): void {
    page.setDefaultTimeout(WAIT_MS)
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      // A refused request is written there by the browser itself; the page tells the person.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith('http://127.0.0.1:')) complaints.push(`left the machine: ${request.url()}`)
    })
  }

  return {
    async open(url, options = {}) {
      const page = await (await browser.newContext(options)).newPage()
      watch(page)
      await page.goto(url)
      return page
    },
    watch,
    complaints: () => complaints.splice(0),
  }
}

/** Expects something of the page that is so in a moment. */
export function soon<T>(look: () => T) {
  return expect.poll(look, { timeout: WAIT_MS, interval: 25 })
}

/** Throws when the page can be scrolled sideways. */
export async function checkFits(page: Page): Promise<void> {
  const [width, wanted] = await page.evaluate<[number, number]>(
    '[document.documentElement.clientWidth, document.documentElement.scrollWidth]',
  )
  expect(wanted).toBe(width)
}

/** The page asks for everything anew, as it does every few seconds and when it is looked at again. */
export function lookAgain(page: Page): Promise<void> {
  return page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
}
