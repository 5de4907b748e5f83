// Inspection: an operator's word that the Stately inspector may look at the running machines, and that it is enough.

import { json } from './answers.ts'
import { type Fields, flag, identifier, readFields } from './body.ts'
import type { Call } from './call.ts'
import { WATCH_UNITS_MAX } from './limits.ts'

/** 201 when it was opened, 200 when it was open already. What the body does not name stays as it is; so does a body that is not there. */
export async function openInspection({ request, gateway }: Call): Promise<Response> {
  const fields: Fields = hasBody(request) ? await readFields(request, ['watch', 'texts']) : {}
  const { outcome, ...view } = await gateway.inspect({
    ...('watch' in fields ? { watch: identifier(fields, 'watch', WATCH_UNITS_MAX) } : {}),
    ...('texts' in fields ? { texts: flag(fields, 'texts') } : {}),
  })
  return json(outcome === 'opened' ? 201 : 200, { ...view, outcome })
}

export async function endInspection({ gateway }: Call): Promise<Response> {
  return json(200, { ended: await gateway.endInspection() })
}

function hasBody({ headers }: Request): boolean {
  return Number(headers.get('content-length') ?? 0) > 0 || headers.has('transfer-encoding')
}
