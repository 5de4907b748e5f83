// Init: `troupe init`, a commented gateway.yaml to begin from. Never overwrites anything.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command, Invocation } from './command.ts'
import { CommandFailure, EXIT, type ExitCode } from './exit.ts'

export const initCommand: Command = {
  name: 'init',
  summary: 'write a commented gateway.yaml to begin from; never overwrites',
  arguments: [{ form: '[folder]', says: 'where (default: here); made when it is not there' }],
  examples: ['troupe init', 'troupe init bots && cd bots && troupe start'],
  run: init,
}

/** The first line of the file names the schema, so that an editor checks and completes what is typed. */
const SCHEMA = 'gateway.schema.json'

async function init({ context, arguments: [given] }: Invocation): Promise<ExitCode> {
  const folder = given ?? '.'
  const file = join(folder, 'gateway.yaml')
  const schema = join(folder, SCHEMA)
  makeFolder(folder)
  if (!write(file, 'example.yaml'))
    throw new CommandFailure(EXIT.failed, `${file} is there already, and nothing was changed. Name another folder.`)
  const isNew = write(schema, SCHEMA)
  const { terminal } = context
  terminal.out(`Wrote ${file}.`)
  terminal.out(
    isNew
      ? `Wrote ${schema}: with it an editor checks and completes what you type. Troupe itself does not need it.`
      : `${schema} is there already and stays as it is.`,
  )
  terminal.out(given === undefined ? 'Next: troupe start' : `Next: cd ${folder} && troupe start`)
  return EXIT.fine
}

function makeFolder(folder: string): void {
  try {
    makeFolders(resolve(folder))
  } catch (thrown) {
    throw cannotWrite(folder, thrown)
  }
}

/** One by one: Node's own way of making all of them never returns from /proc. */
function makeFolders(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolders(parent)
  mkdirSync(folder)
}

/** False: something of this name is there, also a link that leads nowhere. */
function write(path: string, source: string): boolean {
  const content = readFileSync(new URL(`../config/${source}`, import.meta.url))
  try {
    writeFileSync(path, content, { flag: 'wx' })
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw cannotWrite(path, thrown)
  }
}

function cannotWrite(path: string, thrown: unknown): CommandFailure {
  const code = codeOf(thrown)
  if (code === 'EEXIST' || code === 'ENOTDIR') return new CommandFailure(EXIT.failed, `${path} is not a folder.`)
  return new CommandFailure(EXIT.failed, `${path} cannot be written (${code}). Name another folder.`)
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown reason'
}
