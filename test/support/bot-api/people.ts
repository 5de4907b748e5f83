// People: what a person's client does. A misuse by the test (a reply to nothing, a message to a blocked bot) throws at once.

import type { Album, AlbumOptions, BotHandle, MediaOptions, Person, PersonOptions, Place } from './control.ts'
import type { Said, SaysOptions } from './control.ts'
import { withFoundEntities } from './entities.ts'
import { TEXT_UNITS_MAX } from './markup.ts'
import { documentContent, photoContent, voiceContent } from './media.ts'
import { changeBlock, edit, pressButton, sendAlbum, speak } from './speak.ts'
import type { Telegram } from './telegram.ts'
import type { Message, User } from './wire.ts'

export class PersonHandle implements Person {
  readonly id: number
  readonly username: string | undefined
  readonly firstName: string
  readonly telegram: Telegram
  readonly #languageCode: string

  constructor(telegram: Telegram, options: PersonOptions & { readonly id: number }) {
    this.telegram = telegram
    this.id = options.id
    this.username = options.username
    this.firstName = options.firstName ?? options.username ?? `Person ${options.id}`
    this.#languageCode = options.languageCode ?? 'en'
  }

  user(): User {
    return {
      id: this.id,
      is_bot: false,
      first_name: this.firstName,
      ...(this.username === undefined ? {} : { username: this.username }),
      language_code: this.#languageCode,
    }
  }

  says(to: Place, text: string, options: SaysOptions = {}): Said {
    if (text.length === 0 || text.length > TEXT_UNITS_MAX) {
      throw new Error(`A message has 1 to ${TEXT_UNITS_MAX} characters and this one ${text.length}; \`pastes\` splits.`)
    }
    return speak({ person: this, to, content: textContent(text), options })
  }

  pastes(to: Place, text: string, options: SaysOptions = {}): readonly Said[] {
    const parts: Said[] = []
    for (let start = 0; start < text.length; start += TEXT_UNITS_MAX) {
      parts.push(this.says(to, text.slice(start, start + TEXT_UNITS_MAX), options))
    }
    return parts
  }

  sendsPhoto(to: Place, options: MediaOptions = {}): Said {
    return speak({ person: this, to, content: photoContent(this.telegram, options), options })
  }

  sendsVoice(to: Place, options: MediaOptions = {}): Said {
    return speak({ person: this, to, content: voiceContent(this.telegram, options), options })
  }

  sendsDocument(to: Place, options: MediaOptions = {}): Said {
    return speak({ person: this, to, content: documentContent(this.telegram, options), options })
  }

  sendsAlbum(to: Place, count: number, ...about: [caption?: string, options?: AlbumOptions]): Album {
    const [caption, options = {}] = about
    return sendAlbum({ person: this, to, count, caption, options })
  }

  edits(to: Place, messageId: number, text: string): Said {
    return edit({ person: this, to, messageId, text })
  }

  presses(to: Place, data: string): { readonly updateId: number; readonly queryId: string } {
    return pressButton({ person: this, to, data })
  }

  blocks(bot: BotHandle): void {
    changeBlock({ person: this, bot, blocked: true })
  }

  unblocks(bot: BotHandle): void {
    changeBlock({ person: this, bot, blocked: false })
  }
}

export function textContent(text: string): Partial<Message> {
  const { entities } = withFoundEntities({ text, entities: [] })
  return { text, ...(entities.length === 0 ? {} : { entities }) }
}
