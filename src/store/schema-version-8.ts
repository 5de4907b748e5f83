// Schema version 8: how much speech was made text. Frozen: a later change is a later version.

export const VERSION_8 = `
ALTER TABLE usage ADD COLUMN speech_seconds REAL NOT NULL DEFAULT 0;
`
