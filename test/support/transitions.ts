// Transitions: all that a statechart has, and those that real actors of it have taken while a test watched.
// A transition is named by its state, its event, and its place among that event's branches there.
//   The list is read from the running definition, as XState resolved it: invokes, delays and eventless branches are in it.
//   What was taken is what XState says it took, while it took it; a transition whose action throws counts too.

import { type AnyActorRef, type AnyStateMachine, type AnyStateNode, StateMachine } from 'xstate'

/** Every transition of a chart, in the order of the chart. */
export function transitionsOf(machine: AnyStateMachine): string[] {
  return nodesOf(machine.root).flatMap((node) => branchesOf(node).map(nameOf))
}

/** Every state of a chart, those that contain others too; the chart itself is none. */
export function statesOf(machine: AnyStateMachine): string[] {
  return nodesOf(machine.root)
    .slice(1)
    .map(({ id }) => id)
}

/** What actors take while they are watched. */
export class Taken {
  readonly #names = new Set<string>()

  /** From now on, this actor and everything that it starts. Call it before the actor is started. */
  watch(root: AnyActorRef): void {
    for (const actor of livingIn(root)) this.#listen(actor)
    root.system.inspect((happened) => {
      if (happened.type === '@xstate.actor') this.#listen(happened.actorRef as AnyActorRef) // Every actor is one.
      if (happened.type === '@xstate.microstep') for (const branch of happened._transitions) this.#note(branch)
    })
  }

  /** Transitions of a chart that nobody took. */
  missing(machine: AnyStateMachine): string[] {
    return transitionsOf(machine).filter((name) => !this.#names.has(name))
  }

  /** XState tells of a step when it is done. One that throws never is: so what it was about to take is asked then. */
  #listen(actor: AnyActorRef): void {
    const { logic } = actor as unknown as { logic: unknown } // Public on the class, and not on the reference's type.
    if (!(logic instanceof StateMachine)) return
    const note = (branch: Branch) => this.#note(branch)
    const listening: AnyStateMachine = Object.create(logic)
    listening.transition = (snapshot, event, scope) => {
      try {
        return logic.transition(snapshot, event, scope)
      } catch (error) {
        logic.getTransitionData(snapshot, event).forEach(note)
        throw error
      }
    }
    Object.assign(actor, { logic: listening })
  }

  #note(branch: Branch): void {
    // The step in which an actor begins has a branch of its own, which no chart has.
    if (branchesOf(branch.source).includes(branch)) this.#names.add(nameOf(branch))
  }
}

/** What a chart starts at its beginning is there before anybody can watch. */
function livingIn(actor: AnyActorRef): AnyActorRef[] {
  const { children = {} } = actor.getSnapshot() as { children?: Record<string, AnyActorRef> } // A machine's has them.
  return [actor, ...Object.values(children).flatMap(livingIn)]
}

type Branch = AnyStateNode['always'] extends (infer B)[] | undefined ? B : never

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)]
}

function branchesOf({ transitions, always = [] }: AnyStateNode): Branch[] {
  return [...[...transitions.values()].flat(), ...always]
}

function nameOf(branch: Branch): string {
  const { source, eventType } = branch
  const siblings = branchesOf(source).filter((other) => other.eventType === eventType)
  const place = siblings.length === 1 ? '' : ` [${siblings.indexOf(branch) + 1} of ${siblings.length}]`
  return `${source.id}: ${eventType === '' ? 'always' : eventType}${place}`
}
