// The Bot API server's text: markup with its refusals, entities, lengths. Refusals are Telegram's, with offsets in bytes.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { type Call, plainClient } from './bot-api/client.ts'
import { parseHtml } from './bot-api/markup-html.ts'
import { parseMarkdown } from './bot-api/markup-markdown.ts'
import { parseMarkdownV2 } from './bot-api/markup-markdown-v2.ts'
import { Refusal } from './bot-api/refusal.ts'
import { type BotApiServer, type MessageEntity, startBotApi } from './bot-api/server.ts'

let api: BotApiServer
let call: Call

beforeAll(async () => {
  api = await startBotApi()
  const bot = api.addBot({ token: '100:alpha', username: 'alpha_bot' })
  api.person({ id: 7 }).says(bot, 'hi')
  call = plainClient(api.url, bot.token)
})

afterAll(() => api.close())

/** What a client shows of a text: its entities written out, or the refusal without its common beginning. */
async function shown(parse_mode: string, text: string): Promise<string> {
  const answer = await call('sendMessage', { chat_id: 7, text, parse_mode })
  if (!answer.ok) return String(answer.description).replace("Bad Request: can't parse entities: ", '! ')
  const message = answer.result as { text: string; entities?: MessageEntity[] }
  const entities = (message.entities ?? []).map((entity) => {
    const covered = message.text.slice(entity.offset, entity.offset + entity.length)
    return `${entity.type}(${covered}${entity.url === undefined ? '' : ` → ${entity.url}`})${entity.language ?? ''}`
  })
  return [message.text, ...entities].join(' | ')
}

describe('HTML', () => {
  test.each([
    ['<b>a <i>b</i></b> c', 'a b c | bold(a b) | italic(b)'],
    ['<u>u</u><s>s</s><tg-spoiler>x</tg-spoiler>', 'usx | underline(u) | strikethrough(s) | spoiler(x)'],
    ['<a href="https://x.com/?a=1&amp;b=2">l</a>', 'l | text_link(l → https://x.com/?a=1&b=2)'],
    ['<pre><code class="language-ts">x &lt; y</code></pre>', 'x < y | pre(x < y)ts'],
    ['<code>a</code> &amp; &#33; &unknown;', 'a & ! &unknown; | code(a)'],
    ['<blockquote expandable>q</blockquote>', 'q | expandable_blockquote(q)'],
    ['😀 <b>é</b>', '😀 é | bold(é)'],
    ['é <b>x', '! Can\'t find end tag corresponding to start tag "b"'],
    ['é <q>x</q>', '! Unsupported start tag "q" at byte offset 3'],
    ['1 < 2', '! Unsupported start tag "" at byte offset 2'],
    ['<b>x</i>', '! Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ['x</b>', '! Unexpected end tag at byte offset 1'],
    ['x <b', '! Unclosed start tag at byte offset 2'],
    ['<a href="x', '! Unclosed start tag at byte offset 0'],
    ['<span class="x">y</span>', '! Tag "span" must have class "tg-spoiler" at byte offset 0'],
    ['<a =>x</a>', '! Empty attribute name in the tag "a" at byte offset 0'],
  ])('%s', async (text, expected) => expect(await shown('HTML', text)).toBe(expected))
})

describe('MarkdownV2', () => {
  test.each([
    ['*a _b_* c', 'a b c | bold(a b) | italic(b)'],
    ['__u__ ~s~ ||x||', 'u s x | underline(u) | strikethrough(s) | spoiler(x)'],
    ['[l](https://x.com/a\\)b)', 'l | text_link(l → https://x.com/a)b)'],
    ['```ts\nx.y(1)\n``` after', 'x.y(1)\n after | pre(x.y(1)\n)ts'],
    ['`a.b` \\. \\-', 'a.b . - | code(a.b)'],
    ['>q\n>r\nplain', 'q\nr\nplain | blockquote(q\nr)'],
    ['é a.', "! Character '.' is reserved and must be escaped with the preceding '\\'"],
    ['a-b', "! Character '-' is reserved and must be escaped with the preceding '\\'"],
    ['x > y', "! Character '>' is reserved and must be escaped with the preceding '\\'"],
    ['é *a', "! Can't find end of Bold entity at byte offset 3"],
    ['_a', "! Can't find end of Italic entity at byte offset 0"],
    ['`a', "! Can't find end of Code entity at byte offset 0"],
    ['x ```ts\na', "! Can't find end of PreCode entity at byte offset 2"],
    ['[a](https://x', "! Can't find end of a URL at byte offset 4"],
    ['*a _b* c_', "! Can't find end of Italic entity at byte offset 8"],
  ])('%s', async (text, expected) => expect(await shown('MarkdownV2', text)).toBe(expected))
})

describe('Markdown', () => {
  test.each([
    ['*a* _b_ `c`', 'a b c | bold(a) | italic(b) | code(c)'],
    ['[l](x.com) 1. a-b!', 'l 1. a-b! | text_link(l → http://x.com/)'],
    ['```\nx\n```', 'x | pre(x)'],
    ['snake\\_case', 'snake_case'],
    ['é snake_case', "! Can't find end of the entity starting at byte offset 8"],
    ['x *y', "! Can't find end of the entity starting at byte offset 2"],
  ])('%s', async (text, expected) => expect(await shown('Markdown', text)).toBe(expected))
})

describe('plain text', () => {
  test('commands, mentions, links and hashtags are found; code hides them', async () => {
    expect(await shown('', '/help@alpha_bot @anna https://x.com/a, #tag a@b.com 1/2')).toBe(
      '/help@alpha_bot @anna https://x.com/a, #tag a@b.com 1/2 | bot_command(/help@alpha_bot) | mention(@anna) | ' +
        'url(https://x.com/a) | hashtag(#tag) | email(a@b.com)',
    )
    expect(await shown('HTML', '<code>/help @anna</code>')).toBe('/help @anna | code(/help @anna)')
  })

  test('white space around is cut, and entities move along', async () => {
    expect(await shown('HTML', '  <b> x </b> ')).toBe('x | bold(x)')
  })

  test('4096 units pass, 4097 and nothing are refused; markup does not count', async () => {
    expect(await shown('', '😀'.repeat(2048))).toHaveLength(4096)
    expect(await shown('', 'x'.repeat(4097))).toBe('Bad Request: message is too long')
    expect(await shown('HTML', `<b>${'x'.repeat(4096)}</b>`)).not.toMatch(/^Bad/)
    expect(await shown('', '')).toBe('Bad Request: message text is empty')
    expect(await shown('', ' \n ')).toBe('Bad Request: text must be non-empty')
    expect(await shown('HTML', '<b></b>')).toBe('Bad Request: text must be non-empty')
    expect(await shown('', 'x'.repeat(2 ** 15 + 1))).toBe('Bad Request: text is too long')
    expect(await shown('BBCode', 'x')).toBe('Bad Request: unsupported parse_mode')
  })

  test('entities of the request are checked', async () => {
    const send = (entities: unknown) => call('sendMessage', { chat_id: 7, text: 'abc', entities })
    expect((await send([{ type: 'bold', offset: 1, length: 2 }])).result).toMatchObject({
      entities: [{ type: 'bold', offset: 1, length: 2 }],
    })
    expect((await send([{ type: 'bold', offset: 1, length: 9 }])).description).toBe(
      'Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 10',
    )
  })
})

test('whatever the markup, it is parsed or refused: entities lie in the text, and nothing else is thrown', () => {
  const piece = fc.constantFrom(...'<>/&;="\'*_`[]()~|!\\.\n ab😀'.match(/./gsu)!, '</b>', '<b>', '```', '&lt', '&#5')
  for (const parse of [parseHtml, parseMarkdown, parseMarkdownV2]) {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          const { text, entities } = parse(pieces.join(''))
          for (const entity of entities) expect(entity.offset + entity.length).toBeLessThanOrEqual(text.length)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  }
})
