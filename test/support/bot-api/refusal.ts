// Refusal: how the Bot API says no. Descriptions are Telegram's own words; the prefix follows from the code.

export interface RefusalParameters {
  retry_after?: number
  migrate_to_chat_id?: number
}

/** Thrown by anything that handles a request; becomes `{"ok":false,…}` with the code as HTTP status. */
export class Refusal extends Error {
  readonly code: number
  readonly parameters: RefusalParameters | undefined

  constructor(code: number, description: string, parameters?: RefusalParameters) {
    super(description)
    this.name = 'Refusal'
    this.code = code
    this.parameters = parameters
  }
}

export function badRequest(reason: string): Refusal {
  return new Refusal(400, `Bad Request: ${asTelegramPrintsIt(reason)}`)
}

/** Markup that Telegram can't read. */
export function parseFailure(reason: string): Refusal {
  return badRequest(`Can't parse entities: ${reason}`)
}

export function forbidden(reason: string): Refusal {
  return new Refusal(403, `Forbidden: ${asTelegramPrintsIt(reason)}`)
}

export function conflict(reason: string): Refusal {
  return new Refusal(409, `Conflict: ${reason}`)
}

export function unauthorized(): Refusal {
  return new Refusal(401, 'Unauthorized')
}

export function tooManyRequests(retryAfter: number): Refusal {
  return new Refusal(429, `Too Many Requests: retry after ${retryAfter}`, { retry_after: retryAfter })
}

/** Telegram lowers a reason's first letter, but leaves names like `BUTTON_DATA_INVALID` alone. */
function asTelegramPrintsIt(reason: string): string {
  return /^.[_A-Z]/.test(reason) ? reason : reason.charAt(0).toLowerCase() + reason.slice(1)
}
