// Pictures: a picture of each statechart, with what its states and messages are, for machines/README.md. `npm run pictures` puts
// them there; test/tooling/pictures.test.ts holds that they are current.
//   They are made of the charts that run. Actions are left out: `troupe machines NAME` draws them too.

import { readFileSync, writeFileSync } from 'node:fs'
import { configurationOf, machineNames, mermaidOf } from '../../src/start.ts'

export const README = new URL('../../machines/README.md', import.meta.url)

const BEGIN = '<!-- Made by `npm run pictures`: change the charts, not this. -->'
const END = '<!-- Up to here. -->'

/** As much of a definition as is said in words. */
interface Config {
  readonly description?: string
  readonly on?: Readonly<Record<string, unknown>>
  readonly states?: Readonly<Record<string, Config>>
}

/** The text with the pictures of this moment. */
export function withPictures(text: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin)
    throw new Error('machines/README.md has lost the lines between which its pictures stand')
  const pictures = machineNames.map(sectionOf).join('\n')
  return `${text.slice(0, begin)}${BEGIN}\n\n${pictures}\n${text.slice(end)}`
}

function sectionOf(name: string): string {
  const config = configurationOf(name) as Config // Every definition has these.
  const states = statesOf(config, [])
  return [
    `<details><summary><b>${name}</b>: ${config.description}</summary>`,
    '',
    '```mermaid',
    ...outline(mermaidOf(name)),
    '```',
    '',
    ...table(
      'state',
      states.slice(1).map(({ path, state }) => [path.join('.'), state.description ?? '']),
    ),
    ...table('message', messagesOf(states)),
    '</details>',
    '',
  ].join('\n')
}

/** Without actions; transitions that differ in them alone are one. */
function outline(picture: string): readonly string[] {
  const lines = picture
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ \/ .*$/, ''))
  return lines.filter((line, index) => !line.includes(' : ') || lines.indexOf(line) === index)
}

function statesOf(state: Config, path: readonly string[]): readonly { state: Config; path: readonly string[] }[] {
  const below = Object.entries(state.states ?? {})
  return [{ state, path }, ...below.flatMap(([key, each]) => statesOf(each, [...path, key]))]
}

/** What each message does, in all the words that the chart has for it. */
function messagesOf(states: readonly { readonly state: Config }[]): readonly (readonly [string, string])[] {
  const said = new Map<string, Set<string>>()
  for (const [event, answer] of states.flatMap(({ state }) => Object.entries(state.on ?? {}))) {
    const words = said.get(event) ?? new Set()
    said.set(event, words)
    for (const each of [answer].flat()) if (isDescribed(each)) words.add(each.description)
  }
  return [...said].map(([event, words]) => [event, [...words].join(' ')])
}

function isDescribed(answer: unknown): answer is { readonly description: string } {
  return typeof answer === 'object' && answer !== null && 'description' in answer
}

function table(what: string, rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return []
  const lines = rows.map(([name, says]) => `| \`${name}\` | ${says} |`)
  return [`| ${what} | |`, '| --- | --- |', ...lines, '']
}

if (import.meta.main) writeFileSync(README, withPictures(readFileSync(README, 'utf8')))
