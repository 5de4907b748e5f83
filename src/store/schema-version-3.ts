// Schema version 3: a session's past is found through indexes. Frozen: a later change is a later version.
// A page of a session's record reads the newest of its messages, steps and replies, and which of them are dead letters.

export const VERSION_3 = `
CREATE INDEX messages_of_session ON messages (session_key, seq);
CREATE INDEX steps_of_session ON steps (session_key, seq);
CREATE INDEX outbox_of_session ON outbox (session_key, id) WHERE session_key IS NOT NULL;
CREATE INDEX dead_letters_of_message ON dead_letters (message_seq) WHERE message_seq IS NOT NULL;
CREATE INDEX dead_letters_of_reply ON dead_letters (outbox_id) WHERE outbox_id IS NOT NULL;
`
