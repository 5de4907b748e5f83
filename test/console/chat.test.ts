// Chat on the console page, in a real browser, against the real port and the real web adapter; the agent is played by the test.

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { checkFits, soon } from './browser.ts'
import { useStage } from './stage.ts'

const stage = useStage()
const { channel } = stage
const openPage = stage.open

const messages = (page: Page) => page.locator('#messages .message.written').allTextContents()
const now = (page: Page, state: string) => page.locator(`#session [data-now][data-state=${state}]`).waitFor()
const shown = (page: Page, text: string, role = 'assistant') =>
  page.locator(`.message.${role}.written`, { hasText: text }).first().waitFor()

async function say(page: Page, text: string): Promise<string> {
  await page.locator('#text:enabled').fill(text)
  await page.keyboard.press('Enter')
  await shown(page, text, 'user')
  return (await page.locator('#conversation-name').textContent())?.split(' · ')[0] ?? ''
}

/** Picks a channel from the list; it is shown when this resolves. */
async function pick(page: Page, name: string): Promise<void> {
  await page.locator('#channels').getByRole('link', { name }).click()
  await page.locator('#channel-name', { hasText: new RegExp(`^${name}$`) }).waitFor()
}

test('pick a channel, send with Enter, see the states, the answer as it grows, and the answer', async () => {
  const page = await openPage()
  await pick(page, 'ops')
  await now(page, 'idle')
  const conversation = await say(page, 'hello')
  const ops = channel('ops')
  expect(ops.received[0]).toMatchObject({ conversation, text: 'hello', sender: { id: 'console' } })
  expect(channel('cfo').received).toEqual([])
  ops.state(conversation, 'pending')
  await now(page, 'pending')
  await page.locator('.message.thinking').waitFor()
  ops.state(conversation, 'running')
  ops.delta(conversation, 't1', 'It is **sev')
  await now(page, 'running')
  await page.locator('.message.preview', { hasText: 'It is **sev' }).waitFor()
  ops.delta(conversation, 't1', 'en** o’clock')
  await page.locator('.message.preview', { hasText: 'It is seven o’clock' }).waitFor()
  ops.state(conversation, 'idle')
  await ops.reply(conversation, 'It is **seven** o’clock.')
  await shown(page, 'It is seven o’clock.')
  await now(page, 'idle')
  expect(await page.locator('.message.preview, .message.thinking, .message.sending').count()).toBe(0)
  expect(await page.locator('.message.assistant strong').textContent()).toBe('seven')
  expect(await messages(page)).toEqual(['hello', 'It is seven o’clock.'])
})

test('after a reload the history is there, once, and so are channel and conversation', async () => {
  const page = await openPage()
  await pick(page, 'ops')
  const conversation = await say(page, 'first')
  await channel('ops').reply(conversation, 'second')
  await shown(page, 'second')
  await page.reload()
  await shown(page, 'second')
  expect(await messages(page)).toEqual(['first', 'second'])
  expect(await page.locator('#channel-name').textContent()).toBe('ops')
  await say(page, 'third')
  expect(channel('ops').received.at(-1)?.conversation).toBe(conversation)
})

test('a second tab shows the same conversation and follows it, in the middle of an answer too', async () => {
  const page = await openPage()
  const conversation = await say(page, 'hello')
  channel('cfo').state(conversation, 'running')
  channel('cfo').delta(conversation, 't1', 'half an ')
  const second = await page.context().newPage()
  stage.pages.watch(second)
  await second.goto(stage.url)
  await shown(second, 'hello', 'user')
  await now(second, 'running')
  channel('cfo').delta(conversation, 't1', 'answer')
  await second.locator('.message.preview', { hasText: 'half an answer' }).waitFor()
  await say(second, 'from the second')
  await shown(page, 'from the second', 'user')
})

const HOSTILE = [
  '<img src=x onerror="window.broken=1">',
  '<script>window.broken=1</script>',
  '[click](javascript:window.broken=1)',
  '**<b onmouseover="window.broken=1">bold</b>**',
  '```\n</code></pre><svg onload="window.broken=1">\n```',
]

/** Throws when anything of the hostile text became an element or an address of its own. */
async function checkHarmless(page: Page): Promise<void> {
  const found = await page.evaluate(`({
    broken: 'broken' in window,
    elements: document.querySelectorAll('.messages :is(img, script, svg, b, iframe)').length,
    links: document.querySelectorAll('.messages a[href^="javascript:" i]').length,
  })`)
  expect(found).toEqual({ broken: false, elements: 0, links: 0 })
}

test('markup in what people and models write is text, in messages and in streamed pieces', async () => {
  const page = await openPage()
  const conversation = await say(page, HOSTILE[0] ?? '')
  channel('cfo').state(conversation, 'running')
  channel('cfo').delta(conversation, 't1', HOSTILE.join('\n\n'))
  await page.locator('.message.preview', { hasText: 'onmouseover' }).waitFor()
  await checkHarmless(page)
  channel('cfo').state(conversation, 'idle')
  await channel('cfo').reply(conversation, HOSTILE.join('\n\n'))
  await shown(page, 'onload')
  await checkHarmless(page)
  expect((await messages(page))[1]).toContain('<img src=x onerror="window.broken=1">')
})

test('the check for harmless text catches a page that writes HTML', async () => {
  const page = await openPage()
  await say(page, 'hello')
  await page.evaluate(`document.querySelector('.messages').innerHTML = ${JSON.stringify(HOSTILE[0])}`)
  await expect(checkHarmless(page)).rejects.toThrow()
  // The page's policy refuses the handler that this left behind, and says so once the picture has not come.
  const complaints: string[] = []
  await soon(() => (complaints.push(...stage.pages.complaints()), complaints.join())).toContain(
    'Content Security Policy',
  )
})

const uploaded = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })
const chips = (page: Page) => page.locator('#attached li > :first-child').allTextContents()

test('a message arrives as it was put together: lines by Shift+Enter, files by keyboard or dropped, with a word or without', async () => {
  const page = await openPage()
  await page.locator('#text:enabled').focus()
  await page.keyboard.type('one')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('two')
  expect(channel('cfo').received).toEqual([])
  await page.keyboard.press('Enter')
  await shown(page, 'one', 'user')
  expect(channel('cfo').received[0]?.text).toBe('one\ntwo')
  expect(await page.locator('#text').inputValue()).toBe('')

  // Attached, taken away, and sent with what is written.
  await page.locator('#text:enabled').focus()
  await page.keyboard.press('Shift+Tab')
  // A key may overtake the order to hand over the file chooser, which goes another way; the question after it is answered in its order.
  const choosing = page.waitForEvent('filechooser')
  expect(await page.evaluate('document.activeElement.id')).toBe('attach')
  await page.keyboard.press('Enter')
  await (await choosing).setFiles([uploaded('a.txt', 'one'), uploaded('b.txt', 'two'), uploaded('c.txt', '')])
  await page.locator('#notice', { hasText: 'c.txt is empty.' }).waitFor()
  expect(await chips(page)).toEqual(['a.txt', 'b.txt'])
  await checkFits(page)
  await page.getByRole('button', { name: 'Take a.txt away' }).press('Enter')
  expect(await page.evaluate('document.activeElement.id')).toBe('text')
  await page.keyboard.type('read this')
  await page.keyboard.press('Enter')
  await shown(page, 'read this', 'user')
  expect(await messages(page)).toEqual(['one\ntwo', 'read this\n[document b.txt, 3 bytes]'])
  expect(await page.locator('.message.sending, #attached li').count()).toBe(0)

  // Dropped, and sent by themselves; another channel has its own.
  const dropped = await page.evaluateHandle(`(() => {
    const data = new DataTransfer()
    for (const name of ['d.txt', 'e.txt']) data.items.add(new File([name], name, { type: 'text/plain' }))
    return data
  })()`)
  await page.dispatchEvent('#thread', 'drop', { dataTransfer: dropped })
  expect(await chips(page)).toEqual(['d.txt', 'e.txt'])
  await pick(page, 'ops')
  expect(await chips(page)).toEqual([])
  await pick(page, 'cfo')
  await page.locator('#text').press('Enter')
  await shown(page, 'e.txt', 'user')
  const { received, uploads } = channel('cfo')
  expect(received.slice(1).map(({ text, attachments }) => [text, attachments.map(({ name }) => name)])).toEqual([
    ['read this', ['b.txt']],
    ['', ['d.txt', 'e.txt']],
  ])
  expect([...uploads.files.values()].map(String)).toEqual(['two', 'd.txt', 'e.txt'])
  expect(await page.locator('.message.sending').count()).toBe(0)
})

test('a new conversation is empty; the old one comes back by its name', async () => {
  const page = await openPage()
  const first = await say(page, 'remember me')
  await page.click('#open-conversation')
  await page.click('#new-conversation')
  await page.getByText('Nothing has been said here yet.').waitFor()
  expect(await messages(page)).toEqual([])
  await page.click('#open-conversation')
  await page.fill('#conversation', first)
  await page.fill('#user', 'anna')
  await page.keyboard.press('Enter')
  await shown(page, 'remember me', 'user')
  await say(page, 'again')
  expect(channel('cfo').received.at(-1)).toMatchObject({ conversation: first, sender: { id: 'anna' } })
})

test('a channel that is not live says so, and a message to it can be sent again later', async () => {
  const page = await openPage()
  await say(page, 'before')
  await channel('cfo').disconnect()
  await page.locator('#text').fill('meanwhile')
  await page.keyboard.press('Enter')
  await page.getByText('Not sent. Channel "cfo" is not live').waitFor()
  channel('cfo').connect()
  await page.getByRole('button', { name: 'Send again' }).click()
  await shown(page, 'meanwhile', 'user')
  expect(await page.locator('.message.failed').count()).toBe(0)
  expect(await messages(page)).toEqual(['before', 'meanwhile'])
})

test('a connection that breaks is said and comes back; nothing is missing and nothing is twice', async () => {
  const page = await openPage()
  const conversation = await say(page, 'hello')
  await stage.end()
  await page.locator('#notice', { hasText: 'The connection was lost' }).waitFor()
  await channel('cfo').reply(conversation, 'while you were away')
  await stage.startAgain()
  await shown(page, 'while you were away')
  await page.locator('#notice').waitFor({ state: 'hidden' })
  expect(await messages(page)).toEqual(['hello', 'while you were away'])
})

test('with a token the page asks for it, says when it is wrong, and keeps it for this tab only', async () => {
  const page = await openPage({ token: 'open-sesame' })
  await page.fill('#token', 'wrong')
  await page.keyboard.press('Enter')
  await page.getByText('The token is wrong').waitFor()
  await page.fill('#token', 'open-sesame')
  await page.keyboard.press('Enter')
  await say(page, 'hello')
  await page.reload()
  await shown(page, 'hello', 'user')
  expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('open-sesame')
})

test('on a narrow screen nothing is cut off, and the channels are one step away by keyboard', async () => {
  const page = await openPage({ path: '/#/chat/cfo' })
  await page.setViewportSize({ width: 320, height: 560 })
  const conversation = await say(page, 'x'.repeat(300))
  await channel('cfo').reply(conversation, `\`\`\`\n${'wide '.repeat(80)}\n\`\`\``)
  await shown(page, 'wide')
  await checkFits(page)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.locator('#channels').getByRole('link', { name: /ops/ }).press('Enter')
  await page.locator('#channel-name', { hasText: 'ops' }).waitFor()
  await page.locator('#channels').waitFor({ state: 'hidden' })
  await checkFits(page)
})
