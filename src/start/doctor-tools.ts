// Doctor's questions about tools: are the executables there, can the folder be used, does each module load, does each MCP server
// start, and what would a command of the shell tool see?

import type { AgentDefinition, Lack } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { HookEvent, HooksOf } from '../../machines/hooks.ts'
import { isBuiltIn, moduleName } from '../../machines/tool-names.ts'
import type { Probe, ProbeOptions } from './doctor.ts'
import { mcpProbes } from './doctor-mcp.ts'

export function toolProbes(options: ProbeOptions): readonly Probe[] {
  const { definition } = options.loaded
  const [agents, ofAll] = [Object.values(definition.agents), definition.hooks]
  return [
    executables(agents, options),
    ...agents.filter(({ tools }) => tools.length > 0).map((agent) => tools(agent, options)),
    ...agents
      .filter((agent) => Object.keys(agent.hooks).length > 0)
      .map((agent) => hooks(agent.id, agent.hooks, options)),
    ...(Object.keys(ofAll).length === 0 ? [] : [hooks('the gateway', ofAll, options)]),
    ...mcpProbes(agents, options),
  ]
}

function executables(agents: readonly AgentDefinition[], { world }: ProbeOptions): Probe {
  return {
    about: 'executables',
    phase: 'requires',
    async ask() {
      const names = [...new Set(agents.flatMap(({ requires, mcp }) => [...requires, ...commandsOf(mcp)]))]
      if (names.length === 0) return 'the file needs none'
      const { executableLacks } = await import('../tools/needs.ts')
      const lacks = await Promise.all(agents.map((agent) => executableLacks(agent, world.environment)))
      throwWhenLacking(lacks.flat())
      return names.join(', ')
    },
  }
}

function commandsOf(servers: AgentDefinition['mcp']): readonly string[] {
  return Object.values(servers).flatMap((server) => (server.transport === 'stdio' ? [server.command] : []))
}

function tools(agent: AgentDefinition, options: ProbeOptions): Probe {
  return {
    about: `tools of ${agent.id}`,
    phase: 'construct',
    async ask(signal) {
      const { folderLacks, moduleLacks } = await import('../tools/needs.ts')
      throwWhenLacking([...(await folderLacks(agent)), ...(await moduleLacks(agent, options.world.clock))])
      const names = agent.tools.map((tool) => (isBuiltIn(tool) ? tool : moduleName(tool)))
      return names.join(', ') + (agent.tools.includes('shell') ? await sightOf(options, signal) : '')
    },
  }
}

/** Nothing is told to them: they are looked for, and modules are loaded. */
function hooks(whose: string, all: HooksOf<HookEvent>, { world }: ProbeOptions): Probe {
  return {
    about: `hooks of ${whose}`,
    phase: 'construct',
    async ask() {
      const { hookExecutableLacks, hookModuleLacks } = await import('../tools/hook-needs.ts')
      throwWhenLacking([
        ...(await hookExecutableLacks(all, world.environment)),
        ...(await hookModuleLacks(all, world.clock)),
      ])
      return Object.keys(all).join(', ')
    },
  }
}

/** What commands of the shell tool would see of the rest of the machine. */
async function sightOf({ world }: ProbeOptions, signal: AbortSignal): Promise<string> {
  const { confinementOf } = await import('../tools/confinement.ts')
  const { pathOf } = await import('../tools/executables.ts')
  const { unrecorded: groups } = await import('../tools/groups.ts')
  const environment = { PATH: pathOf(world.environment).join(':') }
  const { confinement } = await confinementOf({ workdir: '/', hidden: [], environment, groups, world, signal })
  if (confinement === 'namespaces')
    return '; commands do not see the configuration, the data folder and other processes'
  return '; this system gives commands no namespaces: they can read whatever this user can'
}

function throwWhenLacking(lacks: readonly Lack[]): void {
  const [first] = lacks
  if (first === undefined) return
  const message = [...new Set(lacks.map(({ what }) => what))].join('; ')
  const remedy = [...new Set(lacks.map((lack) => lack.remedy))].join('. ')
  throw new FailureError({ kind: 'permanent', reason: 'missing', message, remedy, phase: first.phase })
}
