// The test runner's settings: three groups of files, one after the other, the longest file of a group first.
// Files in one process share forks and load Troupe and its libraries once; a file that starts processes or a browser has a fork of
// its own, so that what it leaves behind ends with it. All of those wait more than they work: more of them than there are cores fill
// the machine. What is measured, or takes a core for itself, comes last, and is not three at once.

import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import { memoryFolder } from './memory-folder.ts'

const AT_WORK = ['test/*.test.ts']

const PROCESSES = [
  'test/{cli,console,e2e,tooling}/*.test.ts',
  'test/store/{crash,disk,lock}.test.ts',
  'test/inspect/bridge.test.ts',
]

const IN_PROCESS = {
  include: ['test/*/**/*.test.ts'],
  exclude: PROCESSES,
  isolate: false,
  maxWorkers: 3,
  setupFiles: ['test/tooling/seed.ts'],
}

/** Each wait in them has a limit of its own; all of a test together are long on a machine that is busy with something else too. */
const OF_PROCESSES = { include: PROCESSES, maxWorkers: 4, testTimeout: 60_000, hookTimeout: 60_000 }

/** In a new checkout nobody knows yet how long a file takes, and the largest would be first: these take longest. */
const LONGEST = [
  'test/sim.test.ts',
  'test/e2e/deployments.test.ts',
  'test/e2e/crash.test.ts',
  'test/e2e/turns.test.ts',
  'test/e2e/shape.test.ts',
  'test/console/chat.test.ts',
  'test/cli/start.test.ts',
  'test/models/together.test.ts',
  'test/models/gateway.test.ts',
  'test/models/channel.test.ts',
  'test/models/session.test.ts',
  'test/config/hostile.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`))
      return rank < 0 ? LONGEST.length : rank
    }
    return (await super.sort(files)).sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b))
  }
}

/** What tests write is flushed some hundred thousand times, and a disk takes its time for each; what is measured is measured on it. */
const memory = memoryFolder()
const env = memory === null ? {} : { TMPDIR: memory }

export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['test/tooling/model-table.ts'],
    // A wedged test must fail by name and not hang the run.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    expect: { poll: { timeout: 10_000, interval: 10 } },
    coverage: { provider: 'v8', include: ['machines/**', 'src/**'], reportsDirectory: 'coverage' },
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'in process', ...IN_PROCESS, env, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: { name: 'processes', ...OF_PROCESSES, env, sequence: { groupOrder: 1 } },
      },
      { extends: true, test: { name: 'at work', include: AT_WORK, maxWorkers: 2, sequence: { groupOrder: 2 } } },
    ],
  },
})
