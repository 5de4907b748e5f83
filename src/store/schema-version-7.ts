// Schema version 7: how much of what was used is an estimate. Frozen: a later change is a later version.

export const VERSION_7 = `
-- Parts of input_tokens, output_tokens and cost.
ALTER TABLE usage ADD COLUMN estimated_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN estimated_output_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN estimated_cost REAL;
-- The same as JSON; NULL: nothing of it is an estimate.
ALTER TABLE transcript ADD COLUMN estimated TEXT;
`
