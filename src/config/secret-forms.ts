// Secret forms: what can be said of a credential before anybody is asked: that it has quotes around it, a line break in it, or is plainly
// for another place. A credential whose form is not known is let through: the other side decides.
//   A3. A finding names the variable, or the place in the file, and never the value.

import type { Lack } from '../../machines/definitions.ts'
import type { Pieces } from './check.ts'
import { placedModels } from './define-models.ts'
import type { SecretEntry } from './secrets.ts'
import { type Finding, type Path, pathText, spanAt, type Tree } from './tree.ts'

/** A secret of the file at its place. */
export interface PlacedSecret extends SecretEntry {
  readonly path: Path
  /** Its value has spaces or line breaks around it, which are left out. */
  readonly isPadded: boolean
}

export interface WrongSecret extends Finding {
  readonly lack: Lack
}

/** Credentials that cannot be right. The gateway's own token is whatever its operator likes. */
export function wrongSecrets(root: Tree, pieces: Pieces, secrets: readonly PlacedSecret[]): WrongSecret[] {
  const wants = wantedForms(pieces)
  return secrets.flatMap((secret) => {
    const { path, value } = secret
    if (value === null || path[0] === 'gateway') return []
    const mistake = mistakeOf(value, wants.get(pathText(path)))
    if (mistake === null) return []
    const what = `${nameOf(secret)} ${mistake.what}`
    const remedy = `${mistake.remedy}; then start again, or reload`
    return [{ ...placeOf(root, path), message: `${what}: ${mistake.remedy}`, lack: { phase: 'secrets', what, remedy } }]
  })
}

/** Right as they are used, and probably not as they were meant. */
export function paddedSecrets(root: Tree, secrets: readonly PlacedSecret[]): Finding[] {
  return secrets.flatMap((secret) => {
    if (!secret.isPadded || secret.value === null) return []
    const message = `${nameOf(secret)} has spaces or a line break around its value: they are left out`
    return [{ ...placeOf(root, secret.path), message }]
  })
}

// --- forms ------------------------------------------------------------------------------------------------------------

interface Form {
  /** As a person calls it. */
  readonly is: string
  readonly pattern: RegExp
  readonly remedy: string
}

const FORMS = {
  telegram: {
    is: 'the token of a Telegram bot',
    pattern: /^\d+:[A-Za-z0-9_-]+$/,
    remedy: 'take the one that @BotFather gave, such as 123456789:AAE…',
  },
  anthropic: {
    is: 'a key of Anthropic',
    pattern: /^sk-ant-/,
    remedy: 'take one of console.anthropic.com',
  },
  openai: { is: 'a key of OpenAI', pattern: /^sk-(?!ant-|or-)/, remedy: 'take one of platform.openai.com' },
  google: { is: 'a key of Google', pattern: /^AIza/, remedy: 'take one of aistudio.google.com' },
} as const satisfies Record<string, Form>

/** Of which nobody here can make use; known to say what was taken for another. */
const STRANGERS: readonly Pick<Form, 'is' | 'pattern'>[] = [
  { is: 'a key of OpenRouter', pattern: /^sk-or-/ },
  { is: 'a key of Groq', pattern: /^gsk_/ },
  { is: 'a token of Slack', pattern: /^xox[a-z]-/ },
  { is: 'a token of GitHub', pattern: /^(gh[a-z]_|github_pat_)/ },
]

/** What each place needs; a server of somebody's own takes what it likes. */
function wantedForms(pieces: Pieces): ReadonlyMap<string, keyof typeof FORMS> {
  const models = placedModels(pieces).flatMap(({ path, keys }): [string, keyof typeof FORMS][] => {
    if (keys === null || keys.provider === 'echo' || keys.provider === 'openai-compatible') return []
    return keys.base_url === undefined ? [[pathText([...path, 'api_key']), keys.provider]] : []
  })
  const channels = [...pieces.channels].flatMap(([id, keys]): [string, keyof typeof FORMS][] => {
    return keys?.platform === 'telegram' ? [[pathText(['channels', id, 'token']), 'telegram']] : []
  })
  return new Map([...models, ...channels])
}

function mistakeOf(value: string, wanted: keyof typeof FORMS | undefined): { what: string; remedy: string } | null {
  if (/^(["'`]).*\1$|^[“”„‘’].*[“”‘’]$/s.test(value))
    return {
      what: 'has quotes around its value',
      remedy: 'take them out (an env file of Docker or systemd keeps them)',
    }
  if (/[^\x21-\x7e]/.test(value))
    return { what: 'has a line break, a space or a letter in it that no credential has', remedy: 'copy it once more' }
  if (wanted === undefined) return null
  const { is, pattern, remedy } = FORMS[wanted]
  if (pattern.test(value)) return null
  const other = [...Object.values(FORMS), ...STRANGERS].find((form) => form.pattern.test(value))
  if (other !== undefined) return { what: `is ${other.is} and not ${is}`, remedy }
  // Providers change the form of their keys; @BotFather's has been the same since there are bots.
  return wanted === 'telegram' ? { what: `is not ${is}`, remedy } : null
}

// --- helpers ----------------------------------------------------------------------------------------------------------

function nameOf({ variable, secret }: SecretEntry): string {
  return variable === null ? secret : `the variable ${variable}`
}

function placeOf(root: Tree, path: Path): Pick<Finding, 'span' | 'path'> {
  return { span: spanAt(root, path), path }
}
