// Client: the plainest client of a Bot API server, for tests of the server itself: one fetch a call, nothing retried.

export interface Envelope {
  readonly ok: boolean
  // What a result is depends on the method; a test says which by what it reads.
  readonly result?: unknown
  readonly error_code?: number
  readonly description?: string
  readonly parameters?: { readonly retry_after?: number }
}

export type Call = (method: string, payload?: Record<string, unknown>, signal?: AbortSignal) => Promise<Envelope>

export function plainClient(url: string, token: string): Call {
  return async (method, payload = {}, signal) => {
    const response = await fetch(`${url}/bot${token}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(payload),
      ...(signal === undefined ? {} : { signal }),
    })
    return envelope(await response.json())
  }
}

export function envelope(value: unknown): Envelope {
  if (typeof value === 'object' && value !== null && 'ok' in value && typeof value.ok === 'boolean') {
    return { ...value, ok: value.ok }
  }
  throw new Error(`This is no answer of a Bot API server: ${JSON.stringify(value)}`)
}
