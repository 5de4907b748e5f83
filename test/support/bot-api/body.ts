// Body: reads a request's parameters from its query string and from a JSON, form or multipart body.
// Whatever a client sends ends in parameters or in a Refusal, never in another error.

import type { IncomingMessage } from 'node:http'
import { isObject, Parameters, type UploadedFile } from './parameters.ts'
import { badRequest, Refusal } from './refusal.ts'

/** Telegram takes uploads of 50 MB. */
const BODY_BYTES_MAX = 52 * 1024 * 1024

export async function readParameters(request: IncomingMessage, query: URLSearchParams): Promise<Parameters> {
  const body = await readBody(request)
  const type = request.headers['content-type'] ?? ''
  const values: Record<string, unknown> = Object.fromEntries(query)
  if (body.length === 0) return new Parameters(values)
  if (type.includes('application/json')) return new Parameters({ ...values, ...parseJson(body) })
  if (type.includes('application/x-www-form-urlencoded')) {
    return new Parameters({ ...values, ...Object.fromEntries(new URLSearchParams(body.toString('utf8'))) })
  }
  if (type.includes('multipart/form-data')) return readMultipart(body, type, values)
  return new Parameters(values)
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    length += bytes.length
    if (length > BODY_BYTES_MAX) throw new Refusal(413, 'Request Entity Too Large')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function parseJson(body: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw badRequest("Can't parse JSON object")
  }
  if (typeof value === 'string') return { content: value }
  if (!isObject(value)) throw badRequest('JSON object expected')
  return value
}

async function readMultipart(body: Buffer, type: string, query: Record<string, unknown>): Promise<Parameters> {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/.exec(type)
  const separator = boundary?.[1] ?? boundary?.[2]
  if (separator === undefined) throw badRequest('boundary not found')
  const values: Record<string, unknown> = { ...query }
  const files = new Map<string, UploadedFile>()
  for (const part of splitParts(body, `--${separator}`)) {
    const headersEnd = part.indexOf('\r\n\r\n')
    if (headersEnd < 0) throw badRequest('headers in multipart/form-data are empty')
    const headers = part.subarray(0, headersEnd).toString('utf8')
    const content = part.subarray(headersEnd + 4)
    const name = headerValue(headers, 'name')
    if (name === undefined) throw badRequest('field name in multipart/form-data not found')
    const fileName = headerValue(headers, 'filename')
    if (fileName === undefined) values[name] = content.toString('utf8')
    else files.set(name, { fileName, mimeType: contentType(headers), content: Uint8Array.from(content) })
  }
  return new Parameters(values, files)
}

function splitParts(body: Buffer, separator: string): Buffer[] {
  const parts: Buffer[] = []
  let start = body.indexOf(separator)
  if (start < 0) throw badRequest('boundary not found')
  for (;;) {
    start += separator.length
    if (body.subarray(start, start + 2).toString() === '--') return parts
    // The line end before the next boundary belongs to the boundary.
    const end = body.indexOf(`\r\n${separator}`, start)
    if (end < 0) throw badRequest('unexpected end of request content')
    parts.push(body.subarray(start + 2, end))
    start = end + 2
  }
}

function headerValue(headers: string, name: 'name' | 'filename'): string | undefined {
  const match = new RegExp(`[;\\s]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\r\\n]+))`, 'i').exec(headers)
  return (match?.[1] ?? match?.[2])?.replace(/\\(.)/g, '$1')
}

function contentType(headers: string): string {
  return /^content-type:\s*([^\r\n;]+)/im.exec(headers)?.[1]?.trim() ?? 'application/octet-stream'
}
