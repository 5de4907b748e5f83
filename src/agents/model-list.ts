// Model list: which models a provider says that it has. Pure.
//   Only a list that is whole can say that a model is not there: whatever else comes is taken for no list.

/** The names of a provider's models; null: the text is no list of them, or only a part of one. */
export function modelsIn(text: string): readonly string[] | null {
  const body = parsed(text)
  if (typeof body !== 'object' || body === null) return null
  const { data, models, has_more, nextPageToken } = body as Partial<
    Record<'data' | 'models' | 'has_more' | 'nextPageToken', unknown>
  > // as: an object may have any of these
  if (has_more === true || nextPageToken !== undefined) return null
  const list = Array.isArray(data) ? data : Array.isArray(models) ? models : []
  const names = list.flatMap((entry: unknown) => nameIn(entry) ?? [])
  return names.length === 0 ? null : names
}

/** Also a name that stands for its newest edition: `claude-sonnet-4-5`, `llama3.3`; or for one with an option: `model:free`. */
export function isListed(name: string, models: readonly string[]): boolean {
  return models.some((model) => {
    return (
      model === name || model.startsWith(`${name}-`) || model.startsWith(`${name}:`) || name.startsWith(`${model}:`)
    )
  })
}

function nameIn(entry: unknown): string | null {
  if (typeof entry !== 'object' || entry === null) return null
  if ('id' in entry && typeof entry.id === 'string') return entry.id
  return 'name' in entry && typeof entry.name === 'string' ? entry.name.replace(/^models\//, '') : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
