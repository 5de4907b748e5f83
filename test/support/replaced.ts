// Replaced: a program under test with pieces of its source exchanged: something wrong, or something that takes its time. The program
// itself has no door for that; a module that is loaded before it exchanges the pieces where the files are read.

export interface Replaced {
  /** How the file's path ends, from a slash on. */
  readonly file: string
  /** Must be there, or the program does not start. */
  readonly was: string
  readonly is: string
}

/** Flags for Node, before the program. */
export function replacing(...pieces: readonly Replaced[]): string[] {
  const source = `
    import { registerHooks } from 'node:module'
    const pieces = ${JSON.stringify(pieces)}
    registerHooks({
      load(url, context, next) {
        const loaded = next(url, context)
        const here = pieces.filter(({ file }) => url.endsWith(file))
        if (here.length === 0) return loaded
        const exchange = (text, { file, was, is }) => {
          if (!text.includes(was)) throw new Error(file + ' has no such piece: ' + was)
          return text.replace(was, () => is)
        }
        return { ...loaded, source: here.reduce(exchange, Buffer.from(loaded.source).toString('utf8')) }
      },
    })`
  return ['--import', `data:text/javascript,${encodeURIComponent(source)}`]
}
