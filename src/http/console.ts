// Console: the page's files, as they lie beside this folder, in a checkout and in a build alike.
// Only the names below are served; the page runs no script and loads nothing from anywhere else.

import { readFile } from 'node:fs/promises'
import { Refusal } from './answers.ts'
import type { Call } from './call.ts'

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const TYPES = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml'],
])

const FILES: readonly string[] = [
  'console.css',
  'console.js',
  'gateway.js',
  'stream.js',
  'markdown.js',
  'thread.js',
  'roll-call.js',
  'icon.svg',
]

export function page(): Promise<Response> {
  return file('index.html')
}

export async function pageFile({ part }: Call): Promise<Response> {
  const name = part('file')
  if (!FILES.includes(name)) throw new Refusal(404, 'not_found', 'The console page has no such file.')
  return file(name)
}

async function file(name: string): Promise<Response> {
  const bytes = await readFile(new URL(`../console/${name}`, import.meta.url)).catch(() => {
    throw new Refusal(500, 'missing_file', `The console page's file ${name} is missing from this installation.`)
  })
  const type = TYPES.get(name.slice(name.lastIndexOf('.') + 1)) ?? 'application/octet-stream'
  return new Response(new Uint8Array(bytes), {
    headers: { 'Content-Type': type, 'Content-Security-Policy': PAGE_POLICY, 'Cache-Control': 'no-cache' },
  })
}
