// Markdown → Telegram HTML, and its split: what people read is what the agent wrote, in parts that Telegram takes.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderedText, renderMarkdown } from '../../src/channels/telegram-markup.ts'
import { EMPTY_TEXT, PART_UNITS_MAX, splitMarkdown } from '../../src/channels/telegram-split.ts'
import { parseHtml } from '../support/bot-api/markup-html.ts'

describe('one text', () => {
  const table: readonly (readonly [markdown: string, html: string])[] = [
    ['plain & <simple> "text"', 'plain &amp; &lt;simple&gt; "text"'],
    ['**bold** *italic* ~~gone~~ `a < b`', '<b>bold</b> <i>italic</i> <s>gone</s> <code>a &lt; b</code>'],
    ['# Title **strong**', '<b>Title strong</b>'],
    ['one\ntwo\n\nthree', 'one\ntwo\n\nthree'],
    ['```js\nlet a = "<b>"\n```', '<pre><code class="language-js">let a = "&lt;b&gt;"</code></pre>'],
    ['```\nplain\n```', '<pre>plain</pre>'],
    ['```js\nhalf open', '<pre><code class="language-js">half open</code></pre>'],
    ['**half open', '**half open'],
    ['[site](https://a.example/?a=1&b="2")', '<a href="https://a.example/?a=1&amp;b=&quot;2&quot;">site</a>'],
    ['[bad](javascript:alert)', 'bad (javascript:alert)'],
    ['[mail](mailto:a@b.example)', '<a href="mailto:a@b.example">mail</a>'],
    ['![chart](https://a.example/x.png)', '<a href="https://a.example/x.png">chart</a>'],
    ['[![in](https://a.example/i)](https://a.example/o)', '<a href="https://a.example/o">in (https://a.example/i)</a>'],
    ['- a\n- b\n  1. c\n- [x] d', '• a\n• b\n  1. c\n☑ d'],
    ['> quoted\n>\n> > deeper', '<blockquote>quoted\n\ndeeper</blockquote>'],
    ['|a|b|\n|-|-|\n|1|<2>|\n|long|x|', '<pre>a    | b\n1    | &lt;2&gt;\nlong | x</pre>'],
    ['|a|\n|-|\n|1|2|\n|[x](https://a.example)|', '<pre>a\n|1|2|\nx (https://a.example)</pre>'],
    ['<script>x</script>', '&lt;script&gt;x&lt;/script&gt;'],
    ['a<br>b', 'a\nb'],
    ['[1]: https://a.example "T"', '[1]: https://a.example "T"'],
    ['~~~all of this is text~~~', '~~~all of this is text~~~'],
    ['a\n\n---\n\nb', 'a\n\n———\n\nb'],
    ['&lt;kept&gt; &copy;', '&lt;kept&gt; &amp;copy;'],
  ]
  test.each(table)('%j', (markdown, html) => {
    expect(renderMarkdown(markdown)).toBe(html)
    expect(parseHtml(html).text).toBe(renderedText(html))
  })

  test('a text that exhausts the parser is shown as it was written', () => {
    const text = `${'> '.repeat(2_000)}deep`
    expect(renderedText(renderMarkdown(text))).toBe(text)
  })

  test('a second definition of the same link is shown as well', () => {
    expect(renderedText(renderMarkdown('[1]: https://a.example\n\n[1]: https://b.example'))).toContain('b.example')
  })
})

describe('S50 a long text', () => {
  test('a short one is one part, and one of exactly the limit as well', () => {
    expect(splitMarkdown('hello')).toEqual(['hello'])
    expect(splitMarkdown('a'.repeat(PART_UNITS_MAX))).toHaveLength(1)
    expect(splitMarkdown('a'.repeat(PART_UNITS_MAX + 1))).toHaveLength(2)
  })

  test('is cut between paragraphs, else lines, else words', () => {
    const paragraph = `${'word '.repeat(500).trim()}.`
    expect(splitMarkdown(`${paragraph}\n\n${paragraph}`)).toEqual([paragraph, paragraph])
    expect(splitMarkdown(`${paragraph}\n${paragraph}`)).toEqual([paragraph, paragraph])
    const words = splitMarkdown('abcdefg '.repeat(1_000).trim())
    expect(words.length).toBe(2)
    for (const part of words) expect(part).toMatch(/^(abcdefg ?)+$/)
  })

  test('is never cut within a character as people see it', () => {
    const family = '👨‍👩‍👧‍👦'
    const parts = splitMarkdown(family.repeat(1_000))
    expect(parts.length).toBeGreaterThan(2)
    for (const part of parts) expect(part.replaceAll(family, '')).toBe('')
    expect(parts.join('')).toBe(family.repeat(1_000))
  })

  test('closes a code block at the cut and opens it again with its language', () => {
    const line = 'const answer = 42 // why\n'
    const parts = splitMarkdown(`Look:\n\n\`\`\`ts\n${line.repeat(400)}\`\`\`\n\nDone.`)
    expect(parts.length).toBe(3)
    for (const part of parts) {
      expect(part.match(/^```/gm)).toHaveLength(2)
      expect(renderMarkdown(part)).toContain('<pre><code class="language-ts">')
    }
    const read = parts.map((part) => renderedText(renderMarkdown(part))).join('\n')
    expect(read.match(/^const answer = 42 \/\/ why$/gm)).toHaveLength(400)
    expect(read.replaceAll('const answer = 42 // why', '').trim()).toMatch(/^Look:\s+Done\.$/)
  })

  test('does so within a list, where the block is indented', () => {
    const parts = splitMarkdown(`1. Run:\n   \`\`\`sh\n${'   echo hello world\n'.repeat(400)}   \`\`\`\n2. Done`)
    expect(parts.length).toBeGreaterThan(1)
    for (const part of parts) expect(renderMarkdown(part)).toContain('<code class="language-sh">')
    expect(renderMarkdown(parts.at(-1) ?? '')).toMatch(/<\/pre>\s*2\. Done$/)
  })

  test('opens a deeply indented block at the margin, so that its end is found again', () => {
    const code = '      echo hello world\n'
    const parts = splitMarkdown(`1. a\n   - b\n\n      \`\`\`sh\n${code.repeat(300)}      \`\`\`\n\nDone`)
    expect(parts.length).toBe(2)
    expect(parts[1]).toMatch(/^```sh\necho hello world\n/)
    expect(renderMarkdown(parts[1] ?? '')).toMatch(/echo hello world<\/code><\/pre>\n\nDone$/)
  })

  test('a text in which there is nothing to see becomes a visible one', () => {
    for (const text of ['', ' \n\t', '\u200b\u2060', '\u0000']) expect(splitMarkdown(text)).toEqual([EMPTY_TEXT])
  })

  test('a lone surrogate, which Telegram refuses, is replaced', () => {
    expect(splitMarkdown('a\ud800b')).toEqual(['a\ufffdb'])
  })

  test('a table that grows when it is drawn still fits', () => {
    const text = `|${'head|'.repeat(300)}\n|${'-|'.repeat(300)}\n${'|x|\n'.repeat(600)}`
    checkParts(text, splitMarkdown(text))
  })
})

const words = fc.integer({ min: 0, max: 99_999 }).map((number) => `w${number}x`)
const marks = fc.constantFrom(
  ...[
    '**',
    '*',
    '_',
    '~~',
    '`',
    '```',
    '```js\n',
    '~~~',
    '\n```\n',
    '# ',
    '> ',
    '- ',
    '1. ',
    '\n',
    '\n\n',
    ' ',
    '    ',
    '|',
  ],
  ...[
    '|-|-|\n',
    '[',
    '](',
    ')',
    '![',
    '](https://a.example/',
    '<',
    '>',
    '</b>',
    '&',
    '&amp;',
    '\\',
    '---',
    '[1]: ',
    '"',
    '$',
  ],
)
const anything = fc.oneof(
  words,
  marks,
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const texts = fc
  .array(
    fc.tuple(
      fc.oneof(
        anything,
        fc.array(anything, { maxLength: 6 }).map((a) => a.join('')),
      ),
      fc.integer({ min: 1, max: 400 }),
    ),
    { maxLength: 40, size: 'max' },
  )
  .map((pieces) =>
    pieces
      .map(([piece, times]) => `${piece} `.repeat(piece.length > 3 ? 1 : times) + piece.repeat(times % 40))
      .join(''),
  )

/** Half a second's worth; more were run while this was written. */
const RUNS = Number(process.env.RUNS ?? 200)

describe('S50 any text at all', () => {
  test('each part is taken by Telegram and together they carry every word', () => {
    fc.assert(
      fc.property(texts, (text) => checkParts(text, splitMarkdown(text))),
      { numRuns: RUNS },
    )
  })

  test('the same text is always split into the same parts', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(splitMarkdown(text)).toEqual(splitMarkdown(text))
      }),
      { numRuns: 50 },
    )
  })

  test('the check sees a split that loses a word, and one whose markup is broken or too long', () => {
    expect(() => checkParts('w1x w2x', ['w1x'])).toThrow()
    expect(() => checkParts('w1x', ['w1x'], (part) => `<b>${part}`)).toThrow()
    expect(() => checkParts('w1x', ['w1x', 'a'.repeat(PART_UNITS_MAX + 1)])).toThrow()
  })
})

function checkParts(text: string, parts: readonly string[], render = renderMarkdown): void {
  expect(parts.length).toBeGreaterThan(0)
  const shown = parts.map((part) => {
    const html = render(part)
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(32_768)
    const read = parseHtml(html).text
    expect(read.length).toBeLessThanOrEqual(PART_UNITS_MAX)
    expect(part.length).toBeLessThanOrEqual(PART_UNITS_MAX)
    expect(part.isWellFormed()).toBe(true)
    return { html, read }
  })
  // A language and an address stand in the markup and not in the text.
  const carried = `${shown.map(({ read }) => read).join('')}\n${shown.map(({ html }) => html).join('')}`
  const lost = (text.match(/w\d+x/g) ?? []).filter((word) => !carried.includes(word))
  expect(lost).toEqual([])
}
