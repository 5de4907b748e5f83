// Media: what comes with a message besides its text, and what becomes of it before the run. Pure.
//   A message carries how a file is asked for and what its platform says of it, never the file itself.
//   What a model is told of a file is text, and stays in the history; what it is shown besides is named by its place in the
//   work folder.
//   What the sender says of a file is not believed: how it is treated is decided by its first bytes.

import type { Failure } from './failure.ts'
import { FILE_BYTES_MAX, NAME_UNITS_MAX, SHOWN_BYTES_MAX, SHOWN_FILE_BYTES_MAX, SPEECH_SECONDS_MAX } from './limits.ts'

export type AttachmentKind = 'image' | 'voice' | 'audio' | 'video' | 'document' | 'other'

export interface Attachment {
  readonly kind: AttachmentKind
  /** By what its platform gives the file; null: there is none, as with a location. */
  readonly reference: string | null
  /** As the sender calls it; for `other` what it is, in a word. null: nothing is known. */
  readonly name: string | null
  readonly mediaType: string | null
  readonly bytes: number | null
  readonly seconds: number | null
}

/** One of which nothing is known but that it was there. */
export const UNKNOWN_ATTACHMENT: Attachment = {
  kind: 'other',
  reference: null,
  name: null,
  mediaType: null,
  bytes: null,
  seconds: null,
}

/** A file of the work folder that a model is shown as it is. */
export interface ShownFile {
  /** Relative to the work folder. */
  readonly path: string
  readonly mediaType: string
  readonly bytes: number
}

/** What an agent can do with files. */
export interface Senses {
  /** Its model takes such files. One that stands in for it may take fewer, and is told of the rest. */
  readonly sees: (mediaType: string) => boolean
  /** Another model makes text of the pictures that its own does not take. */
  readonly describes: boolean
  readonly hears: boolean
  /** Its tools can open files of the work folder. */
  readonly opens: boolean
  /** False: it takes no notice of pictures, documents and videos, and nobody minds. */
  readonly looks: boolean
}

/** What is known of a file once it is there. */
export interface Found {
  readonly bytes: number
  /** By its first bytes; null: nothing that is known by them, perhaps text. */
  readonly mediaType: string | null
}

/** `tell`: there is no file. `describe`: by another model. `read`: as text, if it is text. `keep`: the model is told where it is. */
export type Treatment = 'tell' | 'transcribe' | 'show' | 'describe' | 'read' | 'keep'

/** Whether nothing is done with it but to say what it is. */
export function isOnlyTold({ kind, reference }: Attachment, { looks }: Senses): boolean {
  return reference === null || (!looks && kind !== 'voice' && kind !== 'audio')
}

/** Why a file is not even fetched; null: it is. */
export function refusedUnseen(attachment: Attachment, senses: Senses): Failure | null {
  const { kind, bytes } = attachment
  if ((bytes ?? 0) > FILE_BYTES_MAX) return tooLarge(attachment, FILE_BYTES_MAX)
  if (kind === 'voice') return unheardOf(attachment, senses)
  if (senses.opens) return null
  if (kind === 'audio') return unheardOf(attachment, senses)
  if (kind === 'video') return unreadable(attachment, 'videos are not watched here')
  return kind === 'image' && !senses.sees('image/jpeg') && !senses.describes ? unseen(attachment) : null
}

/** Why speech is not made text; null: it is. */
function unheardOf(attachment: Attachment, { hears }: Senses): Failure | null {
  if (!hears) return unreadable(attachment, 'this agent has no transcription')
  if ((attachment.seconds ?? 0) <= SPEECH_SECONDS_MAX) return null
  const why = `it is longer than ${SPEECH_SECONDS_MAX / 60} minutes`
  return unreadable(attachment, why, 'Send it in shorter pieces')
}

/** What is done with a file that is there. */
export function treatmentOf(attachment: Attachment, found: Found, senses: Senses): Treatment | Failure {
  const kept = (failure: Failure): Treatment | Failure => (senses.opens ? 'keep' : failure)
  const type = found.mediaType ?? ''
  if (attachment.kind === 'voice' || isSpeech(attachment, type)) {
    const failure = unheardOf(attachment, senses)
    return failure === null ? 'transcribe' : kept(failure)
  }
  if (SHOWABLE.has(type)) {
    const sees = senses.sees(type)
    if (!sees && type === PDF) return kept(unreadable(attachment, NO_PDF))
    if (!sees && !senses.describes) return kept(unseen(attachment))
    if (found.bytes > SHOWN_FILE_BYTES_MAX) return kept(tooLarge(attachment, SHOWN_FILE_BYTES_MAX))
    return sees ? 'show' : 'describe'
  }
  return type === '' ? 'read' : kept(unreadable(attachment, 'files of this kind are not read here'))
}

/** What a file that is not text becomes. */
export function notText(attachment: Attachment, { opens }: Senses): 'keep' | Failure {
  return opens ? 'keep' : unreadable(attachment, 'it is not text')
}

/** Music and speech are told apart from video, which has the same beginning, by what the platform says. */
function isSpeech({ kind }: Attachment, type: string): boolean {
  return kind === 'audio' || type.startsWith('audio/')
}

const PDF = 'application/pdf'
const SHOWABLE: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', PDF])
const NO_PDF = 'this agent’s model takes no PDF files'

// --- bytes ------------------------------------------------------------------------------------------------------------

/** As much of a file's beginning as its type is seen by. */
export const HEAD_BYTES = 16

/** Each type by the bytes it begins with, in hexadecimal; a dot stands for any digit. */
const BEGINNINGS: readonly (readonly [beginning: RegExp, mediaType: string])[] = [
  [/^ffd8ff/, 'image/jpeg'],
  [/^89504e470d0a1a0a/, 'image/png'],
  [/^47494638(37|39)61/, 'image/gif'],
  [/^52494646.{8}57454250/, 'image/webp'],
  [/^255044462d/, PDF],
  [/^4f676753/, 'audio/ogg'],
  [/^52494646.{8}57415645/, 'audio/wav'],
  [/^664c6143/, 'audio/flac'],
  [/^(494433|fff[23ab])/, 'audio/mpeg'],
  [/^fff[19]/, 'audio/aac'],
  [/^.{8}667479704d344[12]/, 'audio/mp4'],
  [/^.{8}66747970(68656963|68656978|6d696631)/, 'image/heic'],
  [/^.{8}66747970/, 'video/mp4'],
  [/^1a45dfa3/, 'video/webm'],
  [/^504b0304/, 'application/zip'],
  [/^1f8b/, 'application/gzip'],
]

/** The type that a file's first bytes say; null: none that is known by them. */
export function typeOfBytes(head: Uint8Array): string | null {
  const hex = Array.from(head.subarray(0, HEAD_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return BEGINNINGS.find(([beginning]) => beginning.test(hex))?.[1] ?? null
}

/** What a transcription is told of a file: a voice message may be in a container that looks like a video's. */
export function speechType({ mediaType: said }: Attachment, { mediaType }: Found): string {
  if (mediaType !== null) return mediaType.replace(/^video\//, 'audio/')
  return said !== null && /^audio\/[a-z0-9.+-]{1,40}$/.test(said) ? said : 'audio/ogg'
}

// --- names ------------------------------------------------------------------------------------------------------------

/** Where files that people send lie in a work folder. */
export const RECEIVED = 'received'

/**
 * The file of a message's attachment: the same after a crash, and another one for every other attachment, also when a store that
 * counts anew meets the work folder of an earlier one.
 */
export function fileName({ message, index }: Placed): string {
  const attachment = message.attachments[index] ?? UNKNOWN_ATTACHMENT
  const { channel, conversation, platformMessageId, seq } = message
  const print = fingerprint([channel, conversation, platformMessageId, attachment.reference].join('\n'))
  return `${seq}-${index + 1}-${print}-${safeName(attachment)}`
}

interface Placed {
  readonly message: FileOwner
  readonly index: number
}

/** As much of a message as the name of its file needs. */
interface FileOwner {
  readonly channel: string
  readonly conversation: string
  readonly platformMessageId: string
  readonly seq: number
  readonly attachments: readonly Attachment[]
}

/** FNV-1a, in five letters and digits: nobody guards anything with it. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5
  for (let unit = 0; unit < text.length; unit += 1) hash = Math.imul(hash ^ text.charCodeAt(unit), 0x01000193)
  return (hash >>> 0).toString(36).padStart(5, '0').slice(-5)
}

function safeName({ name, kind, mediaType }: Attachment): string {
  const base = (name ?? '').normalize('NFC').replace(/^.*[/\\]/s, '')
  const safe = base.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/\.{2,}/g, '.')
  // The end has the extension.
  const short = Array.from(safe).slice(-NAME_UNITS_MAX).join('')
  const end = short === '' ? `${kind}${EXTENSIONS[mediaType ?? ''] ?? (kind === 'image' ? '.jpg' : '')}` : short
  return end.toWellFormed()
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': '.jpg',
  'audio/ogg': '.ogg',
  'audio/mpeg': '.mp3',
  'video/mp4': '.mp4',
  'text/plain': '.txt',
  [PDF]: '.pdf',
}

/** For people and models: what it is, its name, how long it is. */
export function labelOf({ kind, name, bytes, seconds }: Attachment): string {
  const shown = oneLine((name ?? '').replace(/^.*[/\\]/s, ''))
  if (kind === 'other') return shown
  const named = [WORDS[kind], shown].filter((part) => part !== '').join(' ')
  const size = kind === 'document' && bytes !== null ? sizeText(bytes) : ''
  const length =
    seconds === null ? '' : `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`
  return [named, size, length].filter((part) => part !== '').join(', ')
}

/** What a model is told of an attachment that nobody has looked at. */
export function unreadText(attachment: Attachment): string {
  const label = labelOf(attachment)
  return label === '' ? '' : `[${label}]`
}

/** What was written with what came with it, each named below it. */
export function writtenText({ text, attachments }: Written): string {
  return [text, ...attachments.map(unreadText)].filter((part) => part !== '').join('\n')
}

interface Written {
  readonly text: string
  readonly attachments: readonly Attachment[]
}

const WORDS: Readonly<Record<Exclude<AttachmentKind, 'other'>, string>> = {
  image: 'picture',
  voice: 'voice message',
  audio: 'recording',
  video: 'video',
  document: 'document',
}

/** A name cannot look like words of ours. */
function oneLine(name: string): string {
  const line = name.replace(/[\s\p{C}[\]]+/gu, ' ').trim()
  return Array.from(line).slice(-NAME_UNITS_MAX).join('')
}

export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

// --- failures ---------------------------------------------------------------------------------------------------------

/** Why an attachment is not read, as a sentence for its sender. */
export function unreadable(attachment: Attachment, why: string, remedy?: string): Failure {
  const message = `the ${labelOf(attachment)} could not be read: ${why}`
  return { kind: 'permanent', reason: 'refused', message, remedy: remedy ?? REMEDIES[attachment.kind] }
}

const REMEDIES: Readonly<Record<AttachmentKind, string>> = {
  image: 'Say in words what it shows',
  voice: 'Write it as text',
  audio: 'Write it as text',
  video: 'Send a picture of it, or say in words what it shows',
  document: 'Send it as plain text',
  other: 'Write it as text',
}

function unseen(attachment: Attachment): Failure {
  return unreadable(attachment, 'this agent’s model takes no pictures')
}

function tooLarge(attachment: Attachment, bytesMax: number): Failure {
  return unreadable(attachment, `it is larger than ${sizeText(bytesMax)}`, 'Send a smaller one')
}

/** The pictures of a turn that fit into one request, in order. */
export function fitsRequest(shown: readonly ShownFile[], next: ShownFile): boolean {
  return shown.reduce((sum, { bytes }) => sum + bytes, next.bytes) <= SHOWN_BYTES_MAX
}
