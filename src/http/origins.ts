// Origins: web pages from elsewhere that the operator lets in (gateway.allowed_origins), and what their browsers are told.
//   H6. A page is let in by its exact origin, to what is there for people alone. A browser is told nothing for any other page, and
//   of no cookies: who may ask is still said by the token.

/** Longer than any client's list of headers. */
const REQUESTED_UNITS_MAX = 2_048

/** For so long a browser asks no second time; what is taken out of the file is refused at once all the same. */
const REMEMBER_S = 600

/** The origin of the page that asks, when it is one of those. */
export function letIn(headers: Headers, allowed: readonly string[]): string | null {
  const origin = headers.get('origin')
  return origin !== null && allowed.includes(origin) ? origin : null
}

/** Whether a browser asks what a page may do, before the page does it. */
export function isPreflight({ method, headers }: Request): boolean {
  return method === 'OPTIONS' && headers.has('access-control-request-method')
}

/** Clients send headers that are theirs alone (`x-stainless-…`): whoever is let in may send any. */
export function preflight({ headers }: Request): Response {
  const wanted = headers.get('access-control-request-headers') ?? ''
  return new Response(null, {
    status: 204,
    headers: {
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Allow-Headers': wanted.length > REQUESTED_UNITS_MAX ? '' : wanted,
      'Access-Control-Max-Age': String(REMEMBER_S),
    },
  })
}

/** null: the page that asks is not let in, or it is no page. */
export function tellBrowser(headers: Headers, origin: string | null): void {
  headers.append('Vary', 'Origin')
  if (origin === null) return
  headers.set('Access-Control-Allow-Origin', origin)
  headers.set('Access-Control-Expose-Headers', 'Retry-After, X-Should-Retry, WWW-Authenticate, Allow')
}
