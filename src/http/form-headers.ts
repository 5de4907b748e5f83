// Form headers: what a part of a form says of itself. Pure.
//   Browsers write a name in UTF-8 and escape no more than quotation marks and line ends; other clients write `filename*` too.

export interface Disposition {
  readonly name: string
  readonly fileName: string | null
  readonly mediaType: string | null
}

/** Or why it cannot be taken. `headers` has the values of each by its name in lower case, a character for each byte. */
export function dispositionOf(headers: object): Disposition | string {
  const given = new Map<string, unknown>(Object.entries(headers))
  const disposition = textOf(given.get('content-disposition'))
  if (typeOf(disposition) !== 'form-data') return 'a part of it has no "Content-Disposition: form-data"'
  const encoding = textOf(given.get('content-transfer-encoding'))
  if (encoding !== null && !/^(7bit|8bit|binary)$/i.test(encoding.trim()))
    return 'a part of it has a Content-Transfer-Encoding, which forms do not have'
  const mediaType = typeOf(textOf(given.get('content-type')))
  if (mediaType?.startsWith('multipart/') === true)
    return 'a part of it has parts of its own, which is not done any more'
  const parameters = new Map(parametersOf(disposition ?? ''))
  const name = parameters.get('name')
  if (name === undefined || name === '') return 'a part of it has no name'
  const fileName = extended(parameters.get('filename*')) ?? parameters.get('filename') ?? null
  return { name, fileName, mediaType }
}

/** A header's value without its parameters. */
export function typeOf(value: string | null): string | null {
  return value?.split(';')[0]?.trim().toLowerCase() ?? null
}

/** The first of them. */
function textOf(values: unknown): string | null {
  const [value] = Array.isArray(values) ? (values as readonly unknown[]) : []
  return typeof value === 'string' ? value : null
}

function parametersOf(disposition: string): [name: string, value: string][] {
  const found = disposition.matchAll(/;\s*([\w*-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;"]*))/g)
  return Array.from(found, ([, name = '', quoted, plain = '']) => [
    name.toLowerCase(),
    utf8(quoted === undefined ? plain : unescaped(quoted)),
  ])
}

/** A backslash escapes a quotation mark or itself; before anything else it is one, as in the paths of some clients. */
function unescaped(quoted: string): string {
  return quoted
    .replace(/\\(["\\])/g, '$1')
    .replace(/%22/g, '"')
    .replace(/%0D|%0A/gi, ' ')
}

function utf8(bytes: string): string {
  return new TextDecoder().decode(Buffer.from(bytes, 'latin1'))
}

/** `UTF-8''na%C3%AFve.txt` (RFC 5987); null: there is none that can be read. */
function extended(value: string | undefined): string | null {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(value ?? '')?.[1]
  if (encoded === undefined) return null
  try {
    return decodeURIComponent(encoded)
  } catch {
    return null
  }
}
