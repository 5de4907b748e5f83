// Configuration, through the binary: every mistake is named at its place, all at once, and the file stays as it is.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { troupe } from '../support/gateway-process.ts'
import { launched, scenario, temporaryFolder, writeFile } from '../support/scenario.ts'

const TYPOS = `gateway:
  prot: 9
agents:
  cfo:
    instrctions: money
    model: echo
channels:
  a:
    platform: telgram
    agent: cfo
    queue_limt: 3
  b:
    platform: web
    agent: cfoo
  c:
    platform: telegram
    token: a-token
    agent: cfo
    group_policy: mention
    routes: { default: cfo, gruop: cfo }
`

const TYPO_LINES = [
  /^\S+:2:3 gateway\.prot: unknown key \(did you mean "port"\?\)$/m,
  /^\S+:5:5 agents\.cfo\.instrctions: unknown key \(did you mean "instructions"\?\)$/m,
  /^\S+:9:15 channels\.a\.platform: unknown platform "telgram".*\(did you mean "telegram"\?\)$/m,
  /^\S+:11:5 channels\.a\.queue_limt: unknown key \(did you mean "queue_limit"\?\)$/m,
  /^\S+:14:12 channels\.b\.agent: unknown agent "cfoo" \(did you mean "cfo"\?\)$/m,
  /^\S+:19:19 channels\.c\.group_policy: unknown value "mention".*\(did you mean "mention_only"\?\)$/m,
  /^\S+:20:29 channels\.c\.routes\.gruop: unknown key \(did you mean "group"\?\)$/m,
]

for (const command of ['check', 'start'] as const) {
  scenario(
    `S09 ${command}: a typo in any key, route, agent, policy or platform is named with its place, all at once`,
    async () => {
      const folder = temporaryFolder()
      const file = join(folder, 'gateway.yaml')
      writeFileSync(file, TYPOS)
      const exit = command === 'check' ? await troupe(['check', '--config', file]) : await launched({ folder }).exited()
      expect(exit.code).toBe(78)
      for (const line of TYPO_LINES) expect(exit.errors).toMatch(line)
      const last =
        command === 'start' ? [/^troupe: validate: the configuration has 7 problems, and nothing was started\.$/m] : []
      for (const line of last) expect(exit.errors).toMatch(line)
      expect(exit.errors.trim().split('\n')).toHaveLength(TYPO_LINES.length + last.length)
      expect(exit.errors + exit.output).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
      expect(readFileSync(file, 'utf8')).toBe(TYPOS)
    },
  )
}

scenario('S09 a file without mistakes: check says so and ends with 0', async () => {
  const file = writeFile(temporaryFolder(), { channels: { web: { platform: 'web', agent: 'cfo' } } })
  expect(await troupe(['check', '--config', file])).toMatchObject({ code: 0, errors: '' })
})
