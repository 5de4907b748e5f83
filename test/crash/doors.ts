// Doors: where the named points are in the program, and where a broken subject is put in. Each door is an export of a file
// of src/ and what is put in front of it. Runs in the process under test.
//   What stands in front changes nothing but the moments; a broken subject stands in front of the points, so that it can be
//   killed between any two things that it does.

import type { buildAgent } from '../../src/agents/catalog.ts'
import type { Adapter } from '../../src/channels/adapter.ts'
import type { platforms } from '../../src/channels/catalog.ts'
import type { pollUpdates, UpdateSource } from '../../src/channels/telegram-poll.ts'
import type { Database, Statement } from '../../src/store/database.ts'
import type { queuedStore } from '../../src/store/queued.ts'
import type { migrate } from '../../src/store/schema.ts'
import type { Store } from '../../src/store/store.ts'
import type { toolBuilder } from '../../src/tools/catalog.ts'
import type { BuildTools } from '../../src/tools/tool.ts'
import { BREAK, type Broken, brokenSubject } from './broken.ts'
import { pass } from './passages.ts'
import type { Point } from './points.ts'

/** By file and export. The hook in child-crash-point.ts gives each the export that lies behind it. */
export const DOORS: Readonly<Record<string, Readonly<Record<string, (inner: never) => unknown>>>> = {
  'src/store/schema.ts': {
    migrate:
      (inner: typeof migrate): typeof migrate =>
      (database, options) =>
        inner(migrating(database), options),
  },
  'src/store/queued.ts': {
    queuedStore:
      (inner: typeof queuedStore): typeof queuedStore =>
      (parts) => {
        const store = inner({ ...parts, database: broken('database', flushing(parts.database)) })
        pass('after open')
        return broken('store', watchedStore(store))
      },
  },
  'src/channels/catalog.ts': { platforms: watchedPlatforms },
  'src/channels/telegram-poll.ts': {
    pollUpdates:
      (inner: typeof pollUpdates): typeof pollUpdates =>
      (source, log, signal) =>
        inner(broken('source', watchedSource(source)), log, signal),
  },
  'src/agents/catalog.ts': { buildAgent: watchedAgents },
  'src/tools/catalog.ts': {
    toolBuilder:
      (inner: typeof toolBuilder): typeof toolBuilder =>
      (outside) =>
        watchedTools(inner(outside)),
  },
}

const subject = brokenSubject(process.env[BREAK])

function broken<Name extends keyof Broken>(name: Name, part: Parameters<NonNullable<Broken[Name]>>[0]): typeof part {
  const put = subject[name] as ((given: typeof part) => typeof part) | undefined // Each takes what it gives.
  return put?.(part) ?? part
}

// --- the store ---

function watchedStore(store: Store): Store {
  const [commit, step] = [watched('commit', store.commit), watched('step', store.commit)]
  return {
    ...store,
    accept: watched('accept', store.accept),
    begin: watched('begin', store.begin),
    commit: (content) => (isStep(content) ? step(content) : commit(content)),
    commitUndo: watched('undo', store.commitUndo),
    release: watched('release', store.release),
    attempt: watched('attempt', store.attempt),
    unattempt: watched('unattempt', store.unattempt),
    receipt: watched('receipt', store.receipt),
    undeliverable: watched('undeliverable', store.undeliverable),
    appendJournal: watched('journal', store.appendJournal),
    unfinished: then(store.unfinished, 'after unfinished'),
    owed: then(store.owed, 'after owed'),
  }
}

/** What a run did, written while it goes on. */
function isStep({ settled, steps }: Parameters<Store['commit']>[0]): boolean {
  return settled.length === 0 && (steps ?? []).length > 0
}

type Operation = { [Each in Point]: Each extends `before ${infer Name}` ? Name : never }[Point]

function watched<Input extends readonly unknown[], Output>(
  name: Extract<Point, `after ${Operation}`> extends `after ${infer Name}` ? Name : never,
  operation: (...input: Input) => Promise<Output>,
): typeof operation {
  return then((...input) => {
    pass(`before ${name}` as Point) // Each operation has both.
    return operation(...input)
  }, `after ${name}`)
}

function then<Input extends readonly unknown[], Output>(
  act: (...input: Input) => Promise<Output>,
  point: Point,
): typeof act {
  return async (...input) => {
    const output = await act(...input)
    pass(point)
    return output
  }
}

/** The line's transaction: `before flush` is before its COMMIT, and the flush is over when that returns. */
function flushing(database: Database): Database {
  let writes = false
  const wrap = (sql: string): Statement => {
    const statement = database.prepare(sql)
    if (sql.startsWith('BEGIN')) {
      return withRun(statement, (run) => {
        writes = sql === 'BEGIN IMMEDIATE'
        return run()
      })
    }
    if (sql === 'COMMIT') {
      return withRun(statement, (run) => {
        if (writes) pass('before flush')
        const changes = run()
        if (writes) pass('after flush')
        return changes
      })
    }
    if (!/^\s*(INSERT|UPDATE|DELETE)/.test(sql)) return statement
    return withRun(statement, (run) => {
      const changes = run()
      pass('between two writes')
      return changes
    })
  }
  return {
    get isTransaction() {
      return database.isTransaction
    },
    exec: (sql) => database.exec(sql),
    prepare: wrap,
    close: () => database.close(),
  }
}

function withRun(
  statement: Statement,
  around: (run: () => ReturnType<Statement['run']>) => ReturnType<Statement['run']>,
) {
  const run = (...values: never[]) => around(() => statement.run(...values))
  return { run, get: statement.get.bind(statement), all: statement.all.bind(statement) } satisfies Statement
}

function migrating(database: Database): Database {
  return {
    get isTransaction() {
      return database.isTransaction
    },
    exec(sql) {
      database.exec(sql)
      if (sql.includes('CREATE TABLE')) pass('within a migration')
    },
    prepare: (sql) => database.prepare(sql),
    close: () => database.close(),
  }
}

// --- the platform, the model, the tools ---

function watchedPlatforms(inner: typeof platforms): typeof platforms {
  const entries = Object.entries(inner).map(([name, platform]) => {
    const load: typeof platform.load = async () => {
      const create = await platform.load()
      return (parts) => watchedAdapter(create(parts))
    }
    return [name, { ...platform, load }] as const
  })
  return Object.fromEntries(entries)
}

/** In place: an adapter has members beside the contract. */
function watchedAdapter(adapter: Adapter): Adapter {
  const { run, send } = adapter
  return Object.assign(adapter, {
    run: (door, signal) => {
      const watchedDoor = {
        live: (identity) => {
          pass('before live')
          door.live(identity)
        },
        receive: then(door.receive, 'after receive'),
      } satisfies Parameters<Adapter['run']>[0]
      return run.call(adapter, broken('door', watchedDoor), signal)
    },
    send: then((...input: Parameters<Adapter['send']>) => {
      pass('before send')
      return send.apply(adapter, input)
    }, 'after send'),
  } satisfies Pick<Adapter, 'run' | 'send'>)
}

/** An update is confirmed by the request that asks for a later one: at the end of that request it certainly is. */
function watchedSource(source: UpdateSource): UpdateSource {
  return {
    ...source,
    async take(request, signal) {
      if (request.offset !== undefined) pass('before confirm')
      const updates = await source.take(request, signal)
      if (request.offset !== undefined) pass('after confirm')
      return updates
    },
  }
}

function watchedAgents(inner: typeof buildAgent): typeof buildAgent {
  return async (parts) => {
    const agent = await inner(parts)
    return {
      ...agent,
      think: then((request) => {
        pass('before think')
        const onDelta = (text: string): void => {
          request.onDelta(text)
          pass('within an answer')
        }
        return agent.think({ ...request, onDelta })
      }, 'after think'),
    }
  }
}

function watchedTools(inner: BuildTools): BuildTools {
  return async (parts) => {
    const toolbox = await inner(parts)
    const tools = toolbox.tools.map((tool) => ({
      ...tool,
      call: then((...input: Parameters<typeof tool.call>) => {
        pass('before tool')
        return tool.call(...input)
      }, 'after tool'),
    }))
    return { ...toolbox, tools }
  }
}
