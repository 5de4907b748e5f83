// Schema version 6: messages that are tried again after the turn that they began has ended. Frozen: a later change is a later version.

export const VERSION_6 = `
-- How often a turn that the message began has ended without it.
ALTER TABLE messages ADD COLUMN renewed INTEGER NOT NULL DEFAULT 0;
`
