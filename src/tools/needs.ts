// Needs: what an agent needs of this machine, looked for before its first message: executables, its given folder, its modules.
//   A user's module is loaded for it, so that a mistake in it is named at the start and not in somebody's chat.

import type { AgentDefinition, Lack } from '../../machines/definitions.ts'
import { type Failure, failureOf } from '../../machines/failure.ts'
import { isBuiltIn } from '../../machines/tool-names.ts'
import { findExecutable, pathOf } from './executables.ts'
import { loadOwn } from './own.ts'
import { usableFolder } from './workdir.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Everything that is not there. */
export async function lacksOf(definition: AgentDefinition, environment: Environment): Promise<readonly Lack[]> {
  return [...(await executableLacks(definition, environment)), ...(await toolLacks(definition))]
}

export async function executableLacks(definition: AgentDefinition, environment: Environment): Promise<readonly Lack[]> {
  const { tools, requires } = definition
  const names = [...new Set([...requires, ...(tools.includes('shell') ? ['sh'] : [])])]
  const servers = Object.entries(definition.mcp).flatMap(([name, server]) =>
    server.transport === 'stdio' ? [lookForServer(name, server.command, environment)] : [],
  )
  return present([...names.map((name) => lookForExecutable(name, environment)), ...servers])
}

/** A folder that is given, and modules. */
export async function toolLacks({ tools, workdir }: AgentDefinition): Promise<readonly Lack[]> {
  const folder = typeof workdir === 'object' ? [attempted(usableFolder(workdir.path))] : []
  const modules = tools.filter((tool) => !isBuiltIn(tool)).map((path) => attempted(loadOwn(path)))
  return present([...folder, ...modules])
}

async function present(looks: readonly Promise<Lack | null>[]): Promise<readonly Lack[]> {
  return (await Promise.all(looks)).filter((lack) => lack !== null)
}

async function lookForExecutable(name: string, environment: Environment): Promise<Lack | null> {
  if ((await findExecutable(name, pathOf(environment))) !== null) return null
  const what = name.includes('/') ? `${name} is not an executable file` : `${name} is not in PATH`
  return { what, remedy: `Install ${name}, or take it out of the agent's requires, and start again` }
}

async function lookForServer(server: string, command: string, environment: Environment): Promise<Lack | null> {
  const lack = await lookForExecutable(command, environment)
  if (lack === null) return null
  const remedy = `Install ${command}, or correct the command of the MCP server ${server}, and start again`
  return { what: `${lack.what}, which the MCP server ${server} needs`, remedy }
}

async function attempted(look: Promise<unknown>): Promise<Lack | null> {
  try {
    await look
    return null
  } catch (thrown) {
    const { message, remedy }: Failure = failureOf(thrown)
    return { what: message, remedy: `${remedy ?? 'The log has more'}, and start again` }
  }
}
