// Transcription: speech made text by a server that speaks the OpenAI API.
//   One call is one request, which an abort closes at once; it ends by its own deadline too.
//   A3. The key is resolved for each request and kept nowhere; nothing that the SDK throws leaves as it is.

import type { TranscriptionDefinition } from '../../machines/definitions.ts'
import { assert } from '../../machines/failure.ts'
import { MEDIA_MS_MAX } from '../../machines/limits.ts'
import type { Heard } from '../../machines/speech.ts'
import type { BuildTranscription } from './agent.ts'
import { openLifetime } from './lifetime.ts'
import { type Endpoint, endpointOf, probeEndpoint } from './model-endpoint.ts'
import * as failures from './model-failure.ts'
import type { SpeechRequest } from './model.ts'

export const buildTranscription: BuildTranscription = async (parts) => {
  const { transcription } = parts.definition
  assert(transcription !== null, 'a transcription is built where one is defined')
  const endpoint = (): Endpoint => {
    const { apiKey } = transcription
    return endpointOf(transcription, apiKey === null ? null : parts.secret(apiKey))
  }
  const { world } = parts
  return {
    async transcribe(speech, { meter, signal }) {
      const asked = endpoint()
      const lifetime = openLifetime(world.clock, signal)
      lifetime.expect(MEDIA_MS_MAX)
      const request = { endpoint: asked, name: transcription.name, speech, meter, signal: lifetime.signal }
      try {
        return await Promise.race([ask(request, { transcription, nowMs: world.nowMs() }), lifetime.ended])
      } finally {
        lifetime.close()
      }
    },
    probe: (signal) => probeEndpoint({ model: transcription, endpoint: endpoint(), world }, signal),
  }
}

async function ask(
  request: SpeechRequest,
  about: { transcription: TranscriptionDefinition; nowMs: number },
): Promise<Heard> {
  // The library is loaded for the first speech and not before.
  const { transcribeSpeech, troubleOf } = await import('./model.ts')
  try {
    return await transcribeSpeech(request)
  } catch (thrown) {
    const trouble = { ...troubleOf(thrown), begun: false }
    const failure = failures.speechFailure(trouble, about.transcription, about.nowMs)
    throw failures.modelError(failure, trouble, request.endpoint.apiKey)
  }
}
