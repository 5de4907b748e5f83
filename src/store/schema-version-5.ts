// Schema version 5: what came with a message, and what a model was shown of it. Frozen: a later change is a later version.

export const VERSION_5 = `
-- A JSON list of attachments; NULL: none, or a message of an earlier version, of which their number alone is known.
ALTER TABLE messages ADD COLUMN media TEXT;
-- A JSON list of files; NULL: none.
ALTER TABLE transcript ADD COLUMN shown TEXT;
`
