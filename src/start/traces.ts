// Traces: what is observed, as OpenTelemetry's spans. Troupe knows its API alone: the SDK, and where spans go, is the operator's, who
// loads it before the program (`node --import ./tracing.mjs …`). The only file that knows @opentelemetry/api.
//   Without an SDK nothing of this costs anything: the API itself is not loaded.
//   O2. Attributes are ids, counts and closed sets of words: no text, no name of a person, no secret.
// One trace for each turn, with its preparation, its run and its commit within it, and the steps within the run. Accepting a message
// and delivering a reply have traces of their own: a turn can have many of the one and wait for the other long after its end.

import type * as OpenTelemetry from '@opentelemetry/api'
import type { Attributes, Span, Tracer } from '@opentelemetry/api'
import type { Activity, Ending, Happening, Observe } from '../actors/observe.ts'
import type { World } from '../world.ts'

/** Where each copy of the API in a process finds what an SDK registered. Asking for it tells whether there is one. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

type Api = typeof OpenTelemetry

/** null: no SDK for traces is loaded, and there is nobody to tell. */
export async function createTraces({ world, version }: { world: World; version: string }): Promise<Observe | null> {
  if (!(REGISTERED in globalThis)) return null
  const api = await import('@opentelemetry/api')
  const provider = api.trace.getTracerProvider()
  // An SDK may be there for something else, or be of another age than this API: its proxy then leads nowhere.
  const tracer =
    provider instanceof api.ProxyTracerProvider
      ? provider.getDelegateTracer('troupe', version)
      : provider.getTracer('troupe', version)
  return tracer === undefined ? null : tracing(api, tracer, world)
}

function tracing(api: Api, tracer: Tracer, world: World): Observe {
  /** Of each session the spans that others may lie within; each goes with its end. */
  const turns = new Map<string, Span>()
  const runs = new Map<string, Span>()
  const answers = new Map<string, Span>()

  function begin(activity: Activity): Span {
    const above = aboveOf(activity)
    const within = above === undefined ? api.ROOT_CONTEXT : api.trace.setSpan(api.ROOT_CONTEXT, above)
    const options = { startTime: world.nowMs(), attributes: attributesOf(activity) }
    return tracer.startSpan(nameOf(activity), options, within)
  }

  function aboveOf(activity: Activity): Span | undefined {
    switch (activity.kind) {
      case 'pending':
      case 'run':
      case 'commit':
      case 'hook':
        return turns.get(activity.session)
      case 'answer':
      case 'tool':
        return runs.get(activity.session)
      case 'accept':
      case 'turn':
      case 'delivery':
        return undefined
    }
  }

  /** Where spans that lie within this one look for it. */
  function places({ kind }: Activity): Map<string, Span> | null {
    if (kind === 'turn') return turns
    if (kind === 'run') return runs
    return kind === 'answer' ? answers : null
  }

  return {
    begin(activity) {
      const span = begin(activity)
      const place = places(activity)
      const key = 'session' in activity ? activity.session : ''
      place?.set(key, span)
      return (ending) => {
        if (place?.get(key) === span) place.delete(key)
        span.setAttribute('troupe.outcome', ending)
        if (BAD.has(ending)) span.setStatus({ code: api.SpanStatusCode.ERROR, message: ending })
        span.end(world.nowMs())
      }
    },
    note(happening) {
      if (happening.kind === 'tokens') answers.get(happening.session)?.setAttributes(usageOf(happening))
    },
  }
}

const BAD: ReadonlySet<Ending> = new Set(['failed', 'broken', 'dead'])

/** Steps of both kinds have one name: which it was stands in an attribute, with the tool's name. */
function nameOf({ kind }: Activity): string {
  return `troupe.${kind === 'answer' || kind === 'tool' ? 'step' : kind}`
}

function attributesOf(activity: Activity): Attributes {
  const { kind, ...rest } = activity
  const given = Object.entries(rest).map(([name, value]) => [`troupe.${name}`, value])
  const step = kind === 'answer' || kind === 'tool' ? { 'troupe.step': kind } : {}
  return { ...Object.fromEntries(given), ...step }
}

function usageOf({ input, output, estimated }: Extract<Happening, { kind: 'tokens' }>): Attributes {
  const told = { 'troupe.tokens.input': input, 'troupe.tokens.output': output }
  const guessed = estimated.input + estimated.output
  return guessed === 0 ? told : { ...told, 'troupe.tokens.estimated': guessed }
}
