// Describe adapter: the contract of an adapter (contract.ts) as tests of a file.

import { describe, test } from 'vitest'
import { adapterChecks, type OpenHarness } from './contract.ts'

export function describeAdapter(name: string, open: OpenHarness): void {
  describe(`the contract of an adapter: ${name}`, () => {
    test.each(Object.entries(adapterChecks(open)))('%s', (_, check) => check())
  })
}
