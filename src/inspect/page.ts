// Page: the bridge to the Stately inspector and the plain list beside it, as files that lie with the console's.
//   I6. The page runs no script and loads nothing but its own files; the one frame it may hold is the Stately page.

import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'

export interface PageOptions {
  /** The inspector's address: what the frame shows. */
  readonly page: string
  /** The relay's own host and port, as the request named it. */
  readonly host: string
  readonly watch: string
  readonly texts: boolean
}

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['bridge.html', 'text/html; charset=utf-8'],
  '/bridge.js': ['bridge.js', 'text/javascript; charset=utf-8'],
  '/bridge.css': ['bridge.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
}

/** Answers one GET request. */
export async function answerPage(path: string, response: ServerResponse, options: PageOptions): Promise<void> {
  const { page, watch, texts } = options
  if (path === '/view.json') return answer(response, 200, ['application/json', JSON.stringify({ page, watch, texts })])
  const entry = FILES[path]
  if (entry === undefined) return answerText(response, 404, 'There is nothing at this address. The page is at /.')
  const [file, type] = entry
  const text = await readFile(new URL(`../console/${file}`, import.meta.url), 'utf8').catch(() => null)
  if (text === null) return answerText(response, 500, `The page's file ${file} is missing from this installation.`)
  response.setHeader('Content-Security-Policy', policy(options))
  answer(response, 200, [type, text])
}

export function answerText(response: ServerResponse, status: number, sentence: string): void {
  answer(response, status, ['text/plain; charset=utf-8', `${sentence}\n`])
}

function answer(response: ServerResponse, status: number, [type, body]: readonly [type: string, body: string]): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
  })
  response.end(body)
}

function policy({ page, host }: PageOptions): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ws://${host}`,
    `frame-src ${new URL(page).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
