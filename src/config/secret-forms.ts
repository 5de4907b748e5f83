// Secret forms: what can be said of a credential before anybody is asked: that it has quotes around it, a line break in it, or is plainly
// for another place. A credential whose form is not known is let through: the other side decides.
//   A3. A finding names the variable, or the place in the file, and never the value.

import type { Lack } from '../../machines/definitions.ts'
import type { Pieces } from './check.ts'
import { placedModels } from './define-models.ts'
import type { CredentialForm } from './platform.ts'
import { platformNamed, platforms } from './platforms.ts'
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

/** Credentials that cannot be right. */
export function wrongSecrets(root: Tree, pieces: Pieces, secrets: readonly PlacedSecret[]): WrongSecret[] {
  const wants = wantedForms(pieces)
  return secrets.flatMap((secret) => {
    const { path, value, redacted } = secret
    // What an MCP server is given may be anything: a key of whatever it asks, a certificate, JSON.
    if (value === null || redacted !== undefined || !isCredential(path)) return []
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
    if (!secret.isPadded || secret.value === null || !isCredential(secret.path)) return []
    const message = `${nameOf(secret)} has spaces or a line break around its value: they are left out`
    return [{ ...placeOf(root, secret.path), message }]
  })
}

/** A token or a key alone: the gateway's own is whatever its operator likes, and other secrets are texts of any form. */
function isCredential(path: Path): boolean {
  return path[0] !== 'gateway' && ['token', 'api_key'].includes(String(path.at(-1)))
}

// --- forms ------------------------------------------------------------------------------------------------------------

/** Of providers, who change the form of their keys now and then. */
const KEYS = {
  anthropic: keyOf('Anthropic', /^sk-ant-/, 'console.anthropic.com'),
  openai: keyOf('OpenAI', /^sk-(?!ant-|or-)/, 'platform.openai.com'),
  google: keyOf('Google', /^AIza/, 'aistudio.google.com'),
}

function keyOf(provider: string, pattern: RegExp, place: string): CredentialForm {
  return { is: `a key of ${provider}`, pattern, remedy: `take one of ${place}`, isFixed: false }
}

/** Of which nobody here can make use; known to say what was taken for another. */
const STRANGERS: readonly Pick<CredentialForm, 'is' | 'pattern'>[] = [
  { is: 'a key of OpenRouter', pattern: /^sk-or-/ },
  { is: 'a key of Groq', pattern: /^gsk_/ },
  { is: 'a token of Slack', pattern: /^xox[a-z]-/ },
  { is: 'a token of GitHub', pattern: /^(gh[a-z]_|github_pat_)/ },
]

/** What each place needs; a server of somebody's own takes what it likes. */
function wantedForms(pieces: Pieces): ReadonlyMap<string, CredentialForm> {
  const models = placedModels(pieces).flatMap(({ path, keys }): [string, CredentialForm][] => {
    if (keys === null || keys.provider === 'echo' || keys.provider === 'openai-compatible') return []
    return keys.base_url === undefined ? [[pathText([...path, 'api_key']), KEYS[keys.provider]]] : []
  })
  const channels = [...pieces.channels].flatMap(([id, keys]): [string, CredentialForm][] => {
    const form = platformNamed(keys?.platform ?? null)?.token ?? null
    return form === null ? [] : [[pathText(['channels', id, 'token']), form]]
  })
  return new Map([...models, ...channels])
}

function mistakeOf(value: string, wanted: CredentialForm | undefined): { what: string; remedy: string } | null {
  if (/^(["'`]).*\1$|^[“”„‘’].*[“”‘’]$/s.test(value))
    return {
      what: 'has quotes around its value',
      remedy: 'take them out (an env file of Docker or systemd keeps them)',
    }
  if (/[^\x21-\x7e]/.test(value))
    return { what: 'has a line break, a space or a letter in it that no credential has', remedy: 'copy it once more' }
  if (wanted === undefined) return null
  const { is, pattern, remedy, isFixed } = wanted
  if (pattern.test(value)) return null
  const tokens = [...platforms.values()].flatMap(({ token }) => token ?? [])
  const other = [...tokens, ...Object.values(KEYS), ...STRANGERS].find((form) => form.pattern.test(value))
  if (other !== undefined) return { what: `is ${other.is} and not ${is}`, remedy }
  return isFixed ? { what: `is not ${is}`, remedy } : null
}

// --- helpers ----------------------------------------------------------------------------------------------------------

function nameOf({ variable, secret }: SecretEntry): string {
  return variable === null ? secret : `the variable ${variable}`
}

function placeOf(root: Tree, path: Path): Pick<Finding, 'span' | 'path'> {
  return { span: spanAt(root, path), path }
}
