// Console: the page's files, as they lie beside this folder, in a checkout and in a build alike.
// Only the names below are served; the page runs no script and loads nothing from anywhere else.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
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
  'base.css',
  'shell.css',
  'lists.css',
  'chat.css',
  'record.css',
  'chart.css',
  'console.js',
  'shell.js',
  'dom.js',
  'words.js',
  'gateway.js',
  'stream.js',
  'rows.js',
  'roll-call.js',
  'channels.js',
  'sessions.js',
  'record.js',
  'entries.js',
  'step-entries.js',
  'chat.js',
  'attached.js',
  'thread.js',
  'markdown.js',
  'actors.js',
  'branches.js',
  'watcher.js',
  'transitions.js',
  'value.js',
  'chart.js',
  'layout.js',
  'graph.js',
  'icon.svg',
]

/** elkjs's worker, as the package brings it: 1.6 MB that only a page with a chart asks for. */
const LAYOUT_WORKER = 'elk-worker.js'

export function page(): Promise<Response> {
  return file('index.html')
}

export async function pageFile({ part }: Call): Promise<Response> {
  const name = part('file')
  if (name === LAYOUT_WORKER) return layoutWorker()
  if (!FILES.includes(name)) throw new Refusal(404, 'not_found', 'The console page has no such file.')
  return file(name)
}

function layoutWorker(): Promise<Response> {
  const require = createRequire(import.meta.url)
  return answer(pathToFileURL(require.resolve('elkjs/lib/elk-worker.min.js')), 'js', 'public, max-age=86400')
}

function file(name: string): Promise<Response> {
  return answer(new URL(`../console/${name}`, import.meta.url), name.slice(name.lastIndexOf('.') + 1), 'no-cache')
}

async function answer(url: URL, extension: string, caching: string): Promise<Response> {
  const bytes = await readFile(url).catch(() => {
    const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
    throw new Refusal(500, 'missing_file', `The console page's file ${name} is missing from this installation.`)
  })
  return new Response(new Uint8Array(bytes), {
    headers: {
      'Content-Type': TYPES.get(extension) ?? 'application/octet-stream',
      'Content-Security-Policy': PAGE_POLICY,
      'Cache-Control': caching,
    },
  })
}
