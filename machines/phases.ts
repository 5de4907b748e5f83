// Phases: the named steps of a start, in their order. Pure.
//   Each failure of a start, of the whole gateway or of one channel, names the phase in which it was found: whoever reads it knows what
//   had worked already, and where to look.

export const PHASES = {
  parse: 'the file is there, and is YAML',
  validate: 'every key, name and value of it makes sense',
  secrets: 'every variable is set, and every credential has the form that its place needs',
  requires: 'this machine has what the agents need: Node, executables, folders',
  store: 'the data folder can be used, and nobody else uses it',
  construct: 'the modules of users are loaded, agents and adapters are built',
  connect: 'the port is open, each platform knows its credential',
  ready: 'every channel has gone live or says why not; messages are answered',
} as const

export type Phase = keyof typeof PHASES

/** In their order. */
export const PHASE_NAMES = Object.keys(PHASES) as readonly Phase[] // as: its own keys

/** The first of some phases; null: there are none. */
export function firstPhase(phases: readonly Phase[]): Phase | null {
  return PHASE_NAMES.find((phase) => phases.includes(phase)) ?? null
}
