// Hook schema: how a hook stands in a file: a path, or a mapping with what is to be said of it besides.

import { AGENT_HOOK_EVENTS, HOOK_EVENTS } from '../../machines/hooks.ts'
import { HOOK_MS_MAX, HOOK_MS_USUAL } from '../../machines/limits.ts'
import { choice, duration, text, z } from './kinds.ts'

export const HOOK_EXPECTED =
  'expected the path of an executable or of a module, such as ./bin/notify or ./hooks/notify.ts'
export const HOOKS_EXPECTED = 'expected a list such as [./bin/notify]'

export const hookSchema = z.strictObject({
  run: text(HOOK_EXPECTED).describe(
    'An executable, or a module that ends in .ts or .js. A relative path begins beside this file.',
  ),
  timeout: duration(100, '5s')
    .refine((ms) => ms <= HOOK_MS_MAX, { error: `expected a duration from 100ms to ${HOOK_MS_MAX / 1_000}s` })
    .prefault(`${HOOK_MS_USUAL / 1_000}s`)
    .describe('After this long it is ended, and has failed.'),
  on_failure: choice(['go_on', 'refuse'])
    .prefault('go_on')
    .describe('When it fails. go_on: as if it were not there. refuse: what it was asked about is refused.'),
})

const ABOUT: Readonly<Record<(typeof HOOK_EVENTS)[number], string>> = {
  'gateway.start': 'The roll was called. Observes.',
  dead_letter: 'A message that nobody answered, or a reply that nobody received. Observes.',
  'session.start': 'Before the first run of a conversation, or after /new. Observes.',
  'message.accepted': 'A message is on disk and its turn has come. May rewrite its text, or refuse it.',
  'run.start': 'Before each run. May add to text and instructions, or refuse.',
  'run.end': 'A run is over. Observes.',
}

function events(names: readonly (typeof HOOK_EVENTS)[number][]) {
  const list = z.array(z.union([text(HOOK_EXPECTED), hookSchema]))
  return z.strictObject(Object.fromEntries(names.map((name) => [name, list.optional().describe(ABOUT[name])])))
}

/** For editors. */
export const hooksForEditors = {
  agent: events(AGENT_HOOK_EVENTS).optional().describe('Programs of yours that are told of its turns, by event.'),
  all: events(HOOK_EVENTS)
    .optional()
    .describe('The same for every agent, before its own; and for what belongs to none.'),
}

export type HookKeys = z.infer<typeof hookSchema>
