// Traces, through the binary: an operator's own SDK, loaded before the program; and a start without one, which loads nothing.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { ECHO, launched, post, scenario, temporaryFolder, writeFile } from '../support/scenario.ts'
import { watch } from '../support/watching.ts'

const packageAt = (name: string): string => import.meta.resolve(name)

/** What an operator writes: the SDK, and where the spans go; here into a file. */
const SDK = (file: string) => `
  import { appendFileSync } from 'node:fs'
  import { trace } from ${JSON.stringify(packageAt('@opentelemetry/api'))}
  import { BasicTracerProvider, SimpleSpanProcessor } from ${JSON.stringify(packageAt('@opentelemetry/sdk-trace-base'))}
  const exporter = {
    export(spans, done) {
      for (const span of spans) appendFileSync(${JSON.stringify(file)}, span.name + '\\n')
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
`

/** Writes down which modules of OpenTelemetry the program loads. */
const LISTING = (file: string) => `
  import { appendFileSync } from 'node:fs'
  import { registerHooks } from 'node:module'
  registerHooks({
    load(url, context, next) {
      appendFileSync(${JSON.stringify(file)}, url + '\\n')
      return next(url, context)
    },
  })
`

async function answeredWith(preload: (file: string) => string): Promise<string> {
  const folder = temporaryFolder()
  const [module, file] = [join(folder, 'preload.mjs'), join(folder, 'told')]
  writeFileSync(module, preload(file))
  writeFile(folder, { agents: ECHO, channels: { web: { platform: 'web', agent: 'cfo' } } })
  const gateway = launched({ folder, nodeFlags: ['--import', pathToFileURL(module).href] })
  await gateway.rollCall()
  const anna = await watch(gateway, 'web', 'lobby')
  await post(gateway, 'web', { conversation: 'lobby', user: 'anna', text: 'hello' })
  await anna.answered(1)
  anna.close()
  await gateway.stop()
  return readFileSync(file, 'utf8')
}

scenario('an SDK that is loaded before the program is told of every turn', async () => {
  const names = new Set((await answeredWith(SDK)).trim().split('\n'))
  const kinds = ['accept', 'turn', 'pending', 'run', 'step', 'commit', 'delivery']
  expect([...names].sort()).toEqual(kinds.map((kind) => `troupe.${kind}`).sort())
})

scenario('without an SDK not even its API is loaded', async () => {
  const loaded = await answeredWith(LISTING)
  expect(loaded).toContain('/src/start/traces.ts')
  expect(loaded).not.toContain('opentelemetry')
})
