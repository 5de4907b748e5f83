// Tool names: which tools a word of `tools` brings, and what a user's own module is called. Pure.
//   A module's tool has the name of its file: so a configuration is judged without running any of a user's code.

/** The words of `tools`, and the tools that each brings. */
export const BUILT_IN = {
  files: ['files_list', 'files_read', 'files_write', 'files_edit', 'files_delete'],
  shell: ['shell'],
  http: ['http_get', 'http_request'],
  memory: ['memory_list', 'memory_add', 'memory_remove'],
} as const

export type BuiltIn = keyof typeof BUILT_IN

export const BUILT_IN_WORDS = Object.keys(BUILT_IN) as readonly BuiltIn[] // as: its own keys

/** What a tool may be called; a model's provider takes no other. */
export const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/

export function isBuiltIn(tool: string): tool is BuiltIn {
  return Object.hasOwn(BUILT_IN, tool)
}

/** The names of the tools that an entry of `tools` brings: a built-in word, or the path of a module. */
export function namesOf(tool: string): readonly string[] {
  return isBuiltIn(tool) ? BUILT_IN[tool] : [moduleName(tool)]
}

/** Tools that work in the working folder: the folder is made for them. */
export function usesFolder(tool: string): boolean {
  return tool === 'files' || tool === 'shell' || !isBuiltIn(tool)
}

/** `/srv/tools/invoice.ts` is `invoice`. */
export function moduleName(path: string): string {
  return path.replace(/^.*[/\\]/, '').replace(/\.[^.]*$/, '')
}
