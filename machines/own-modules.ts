// Own modules: what to do about a module of the user's own that cannot be loaded, by what was thrown. Pure.

/** One sentence without its full stop. */
export function loadRemedy(path: string, thrown: unknown): string {
  const said = thrown instanceof Error ? thrown.message : ''
  if (!OUTSIDE_A_MODULE.test(said)) return `Mend ${path}`
  // `npm init` writes "commonjs", which is not what import and export are for.
  const ending = path.endsWith('ts') ? '.mts' : '.mjs'
  return `Say "type": "module" in the package.json above ${path}, or give it a name that ends in ${ending}`
}

/** Of Node, about import and export. */
const OUTSIDE_A_MODULE = /outside a module|Unexpected token 'export'/
