// Testing: what Troupe's own tests are made of, for tests of your own tools, channels and machines. Published as `troupe/testing`.
// Under any test runner: what is checked here throws or rejects with an AssertionError, and nothing registers a test by itself.
//   Nothing listens or sends beyond 127.0.0.1, and nothing lives on after its `close`.
//   Times are in milliseconds. What foreseeably fails rejects with a FailureError, whose `failure` is plain data.
// In the order of what you write: a tool, a channel, a machine; then what they are tested against.

// A tool of your own.
export { type OpenedTool, openTool, type OpenToolOptions } from './own-tool.ts'
export type { Tool, ToolInput, ToolScope } from '../../src/tools/tool.ts'

// A channel of your own: what every adapter must do, and what an adapter is built from.
export {
  adapterChecks,
  type AdapterHarness,
  brokenAdapter,
  failingChecks,
  type OpenHarness,
} from '../channels/contract.ts'
export { adapterParts, type GivenParts } from './adapter-parts.ts'
export { openChannel, type OpenChannelOptions } from './own-channel.ts'
export type * from '../../src/channels/adapter.ts'
export type { ChannelDefinition } from '../../machines/definitions.ts'
export type { Inbound, Progress, Sender } from '../../machines/messages.ts'
export { type Failure, FailureError, type FailureKind, type FailureReason } from '../../machines/failure.ts'

// A machine of your own: paths through a model of it, and which of its transitions they took.
export {
  caughtBy,
  type Model,
  type Path,
  randomWalks,
  reducerModel,
  type Sample,
  shortestPaths,
  simplePaths,
  type Subject,
  type Tours,
  tours,
} from './paths.ts'
export { statesOf, Taken, transitionsOf } from './transitions.ts'

// A fake world: a clock that moves by hand, ids that count, dice with a seed; and the real machines, actors and store on it, with
// a platform and an agent whose every step the test holds.
export { type Held, held, settled, silentLog, type TestWorld, testWorld } from './world.ts'
export type { World } from '../../src/world.ts'
export { type HeldThought, type House, type HouseOptions, openHouse, type TestPlatform } from './house.ts'

// The outside, over real HTTP: a Telegram, and a model that says what the test has it say.
export { startBotApi } from './bot-api/server.ts'
export type * from './bot-api/control.ts'
export { startModelServer } from './model-server.ts'
export type { Answer, Exchange, ModelRequest, ModelServer, ModelServerOptions } from './model-server.ts'
