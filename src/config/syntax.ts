// Syntax: the YAML library's error codes in plain words, and which of them leave the rest of a file readable. Data only.

/** In plain words, without anything from the file: it could be a secret. */
export const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias takes no anchor and no tag',
  BAD_ALIAS: 'the name of this anchor or alias cannot be read',
  BAD_COLLECTION_TYPE: 'the tag does not fit this kind of value: remove it',
  BAD_DIRECTIVE: 'a line that begins with % is a directive of YAML, and this one is not known: remove it',
  BAD_DQ_ESCAPE: 'this backslash begins no known escape: write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'the indentation does not fit, or a bracket is not closed',
  BAD_SCALAR_START: 'text that begins with @ or ` must stand in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key:" on one line: begin a new line, or put the text in quotes',
  BLOCK_IN_FLOW: 'this form cannot stand inside brackets',
  DUPLICATE_KEY: 'this key stands here twice',
  KEY_OVER_1024_CHARS: 'a key of more than 1024 characters',
  MISSING_CHAR: 'something is missing here: a colon after a key, a comma, a closing quote or a closing bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line: is a colon or a closing quote missing?',
  TAB_AS_INDENT: 'a tab cannot indent: use spaces',
  TAG_RESOLVE_FAILED: 'this tag (the word after !) is not known here: remove it, or put the text in quotes',
  UNEXPECTED_TOKEN: 'this was not expected here: is a quote, a bracket or a colon missing?',
}

/** After these the rest of the file still reads as its writer meant it. */
export const HARMLESS: ReadonlySet<string> = new Set(['BAD_DQ_ESCAPE', 'BAD_SCALAR_START', 'TAG_RESOLVE_FAILED'])
