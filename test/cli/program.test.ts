// Program: the command line itself: help that teaches, wrong usage with 64, and what it does when a reader goes away.

import { expect, test, vi } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { runProgram } from '../../src/cli/program.ts'
import { begin, folderWith, troupe } from './child.ts'
import { testContext } from './context.ts'

const NAMES = COMMANDS.map(({ name }) => name)

test('every command of the contract is there', () => {
  expect(NAMES.toSorted()).toEqual(
    [
      ...[
        'channels pause',
        'channels reconnect',
        'channels resume',
        'chat',
        'check',
        'deadletters list',
        'deadletters retry',
        'doctor',
        'init',
        'inspect',
        'machines',
      ],
      'pairing approve',
      ...[
        'pairing list',
        'pairing revoke',
        'reload',
        'schedules list',
        'send',
        'sessions list',
        'sessions show',
        'start',
        'status',
        'usage',
      ],
    ].toSorted(),
  )
})

test('--help names every command and every exit code', async () => {
  const { code, out, err } = await troupe(['--help'], { folder: folderWith() })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^Usage: troupe/)
  for (const name of NAMES) expect(out).toMatch(new RegExp(`^ {2}${name.split(' ')[0]}\\b`, 'm'))
  for (const exit of [0, 1, 64, 70, 75, 78]) expect(out).toMatch(new RegExp(`^ {2}${exit} +\\w`, 'm'))
})

test.each(NAMES)('%s --help shows its usage and an example', async (name) => {
  const { code, out, err } = await run([...name.split(' '), '--help'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(new RegExp(`^Usage: troupe ${name}`))
  expect(out).toMatch(new RegExp(`\nExamples:\n {2}(.*\\| )?troupe ${name}`))
})

test.each([
  [[], /^Usage: troupe/],
  [['strat'], /Did you mean start\?[^]*Usage: troupe \[options\] \[command\]/],
  [['start', '--prot', '1'], /unknown option '--prot'[^]*Usage: troupe start/],
  [['start', '--port', '65536'], /whole number from 0 to 65535[^]*Usage: troupe start/],
  [['check', 'more'], /too many arguments[^]*Usage: troupe check/],
  [['sessions'], /^Usage: troupe sessions/],
  [['sessions', 'lst'], /Did you mean list\?[^]*Usage: troupe sessions/],
  [['sessions', 'show'], /missing required argument 'key'[^]*Usage: troupe sessions show/],
  [['sessions', 'list', '--limit', '0'], /whole number from 1 to 1000/],
  [['send', '--to', 'x', 'hello'], /--channel <id>' not specified[^]*Usage: troupe send/],
  [['machines', '--format', 'png'], /Allowed choices are mermaid, json[^]*Usage: troupe machines/],
  [['machines', 'sesion'], /Did you mean session\?/],
  [['deadletters', 'retry', 'x'], /number/],
  [['status', '--url', 'nowhere'], /http:\/\//],
  [['check', '--config', ''], /'--config <file>' argument '' is invalid\. It is empty\./],
] as const)('wrong usage %j: what is wrong, the usage, and 64', async (args, says) => {
  const { code, out, err } = await run(args)
  expect({ code, out }).toEqual({ code: 64, out: '' })
  expect(err).toMatch(says)
})

test('wrong usage through the binary ends with 64', async () => {
  const { code, out, err } = await troupe(['start', '--prot', '1'], { folder: folderWith() })
  expect({ code, out }).toEqual({ code: 64, out: '' })
  expect(err).toContain('Usage: troupe start')
})

test('a folder that was removed under whoever calls is no defect', async () => {
  const gone = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), { syscall: 'uv_cwd' })
  const cwd = vi.spyOn(process, 'cwd').mockImplementation(() => {
    throw gone
  })
  expect(await run(['check'])).toMatchObject({ code: 1, err: expect.stringContaining('is gone') })
  cwd.mockRestore()
})

test('a reader that has enough ends a command quietly', async () => {
  const machines = begin(['machines', '--format', 'json'], { folder: folderWith() })
  machines.process.stdout?.destroy()
  expect(await machines.ended).toEqual({ code: 0, out: '', err: '' })
})

async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, out, err } = testContext()
  const code = await runProgram(args, context)
  return { code, out: out(), err: err() }
}
