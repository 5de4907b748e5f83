// The test runner's settings: three groups of files, one after the other, the longest file of a group first.
// Files in one process share forks and load Troupe and its libraries once; a file that starts processes or a browser has a fork of
// its own, so that what it leaves behind ends with it. Those wait more than they work: three of them fill two cores. What is
// measured, or takes a core for itself, comes last, and is not three at once.

import { defineConfig } from 'vitest/config'

const AT_WORK = ['test/*.test.ts']

const PROCESSES = [
  'test/{cli,console,e2e,tooling}/*.test.ts',
  'test/store/{crash,disk,lock}.test.ts',
  'test/inspect/bridge.test.ts',
]

const IN_PROCESS = { include: ['test/*/**/*.test.ts'], exclude: PROCESSES, isolate: false, maxWorkers: 2 }

export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['test/tooling/model-table.ts'],
    // End-to-end tests start processes; a wedged one must fail by name and not hang the run.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    coverage: { provider: 'v8', include: ['machines/**', 'src/**'], reportsDirectory: 'coverage' },
    projects: [
      { extends: true, test: { name: 'in process', ...IN_PROCESS, sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: 'processes', include: PROCESSES, maxWorkers: 3, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: 'at work', include: AT_WORK, maxWorkers: 2, sequence: { groupOrder: 2 } } },
    ],
  },
})
