// Tree: a read file as plain nodes that know their place, and the findings about them. Knows no YAML library and no schema.
//   A mapping is a Map, so a key such as `__proto__` is a key like any other.
//   Variables are replaced already; what a scalar said before is kept for messages.

export type Tree = TreeMap | TreeList | TreeScalar

/** Offsets in the text, in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface TreeMap extends Span {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, TreeEntry>
}

export interface TreeEntry {
  readonly key: Span
  readonly value: Tree
}

export interface TreeList extends Span {
  readonly kind: 'list'
  readonly items: readonly Tree[]
}

export interface TreeScalar extends Span {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As it stands in the file, before variables were replaced. */
  readonly written: string
  /** Variables that it names, set or not. */
  readonly variables: readonly string[]
  /** Variables that it names and that have neither value nor default. */
  readonly unset: readonly UnsetVariable[]
  /** A finding about it exists already: its value is not worth a second one. */
  readonly broken: boolean
}

export interface UnsetVariable {
  readonly variable: string
  /** The file's own words, from `${NAME:?message}`. */
  readonly note: string | null
}

export type Path = readonly (string | number)[]

/** A problem before it has a line and a column. */
export interface Finding {
  readonly span: Span
  readonly path: Path
  readonly message: string
  /** True when it can only be judged with the whole file: not trustworthy after a syntax error. */
  readonly wholeFile?: boolean
}

/** The entry's value when the tree is a mapping that has it. */
export function valueOf(tree: Tree | undefined, key: string): Tree | undefined {
  return entryOf(tree, key)?.value
}

export function entryOf(tree: Tree | undefined, key: string): TreeEntry | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key) : undefined
}

export function entriesOf(tree: Tree | undefined): readonly (readonly [string, TreeEntry])[] {
  return tree?.kind === 'map' ? [...tree.entries] : []
}

/** What it says is not known: a variable is unset, or a finding exists already. */
export function isOpen(tree: Tree | undefined): boolean {
  return tree?.kind === 'scalar' && (tree.broken || tree.unset.length > 0)
}

/** The scalar's text when it is text and every variable in it has a value. */
export function textOf(tree: Tree | undefined): string | null {
  return tree?.kind === 'scalar' && !isOpen(tree) && typeof tree.value === 'string' ? tree.value : null
}

export function nodeAt(tree: Tree, path: Path): Tree | undefined {
  let node: Tree | undefined = tree
  for (const step of path) {
    if (typeof step === 'string') node = valueOf(node, step)
    else node = node?.kind === 'list' ? node.items[step] : undefined
  }
  return node
}

/** Where a reader should look for a path: the value, its key when the value is empty, the nearest parent's key when there is none. */
export function spanAt(tree: Tree, path: Path): Span {
  for (let length = path.length; length > 0; length--) {
    const found = nodeAt(tree, path.slice(0, length))
    if (found === undefined) continue
    const empty = found.kind === 'scalar' && found.value === null
    return length === path.length && !empty ? found : (keySpan(tree, path.slice(0, length)) ?? found)
  }
  return { start: 0, end: 0 }
}

/** The key of a path's last step. */
export function keySpan(tree: Tree, path: Path): Span | null {
  const last = path.at(-1)
  if (typeof last !== 'string') return null
  return entryOf(nodeAt(tree, path.slice(0, -1)), last)?.key ?? null
}

/** Every scalar with its path. */
export function* scalarsOf(tree: Tree, path: Path = []): Generator<readonly [Path, TreeScalar]> {
  if (tree.kind === 'scalar') yield [path, tree]
  else if (tree.kind === 'map') for (const [key, entry] of tree.entries) yield* scalarsOf(entry.value, [...path, key])
  else for (const [index, item] of tree.items.entries()) yield* scalarsOf(item, [...path, index])
}

/** `channels.ops.allowed_users[1]`. */
export function pathText(path: Path): string {
  if (path.length === 0) return '(file)'
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += (text === '' ? '' : '.') + (/^[\w.-]{1,64}$/.test(step) ? step : quoted(step))
  }
  return text
}

/** Text from the file for a message: short, on one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** `a mapping`, `a list`, `20`, `"text"`: what stands there, without the value of a variable. */
export function described(tree: Tree): string {
  if (tree.kind === 'map') return 'a mapping'
  if (tree.kind === 'list') return 'a list'
  if (tree.value === null) return 'nothing'
  if (tree.value === '') return 'empty text'
  if (tree.variables.length > 0) return `the value of ${tree.written.length > 60 ? 'its variable' : tree.written}`
  return typeof tree.value === 'string' ? quoted(tree.value) : String(tree.value)
}
