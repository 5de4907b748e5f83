// Child ended: XState's own words for the end of a child, as a supervisor reads them.
//   A supervisor answers both with stopChild: a child that ended stays in `children` otherwise.

export type ChildEnded =
  | { readonly type: `xstate.done.actor.${string}`; readonly actorId: string; readonly output: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly actorId: string; readonly error: unknown }

export function hasFailed(event: { type: string }): event is Extract<ChildEnded, { error: unknown }> {
  return event.type.startsWith('xstate.error.actor.')
}

export function isDone(event: { type: string }): event is Extract<ChildEnded, { output: unknown }> {
  return event.type.startsWith('xstate.done.actor.')
}
