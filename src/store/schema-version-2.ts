// Schema version 2: what a run does, step by step; summaries; buttons; notes;
// usage. Frozen once released: a later change is a later version.
// The transcript is made anew, because a role that its CHECK does not know cannot be added to it.

export const VERSION_2 = `
CREATE TABLE transcript_new (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  session_key TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'partial', 'failure', 'summary', 'reset', 'undo')),
  turn TEXT NOT NULL,
  text TEXT NOT NULL,
  sender_id TEXT,
  sender_name TEXT,
  sender_handle TEXT,
  at_ms INTEGER NOT NULL,
  model TEXT,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cost REAL
) STRICT;
INSERT INTO transcript_new SELECT *, NULL, NULL, NULL, NULL FROM transcript;
DROP TABLE transcript;
ALTER TABLE transcript_new RENAME TO transcript;
CREATE INDEX transcript_of_session ON transcript (session_key, seq);

-- content: the step as JSON, without its kind.
CREATE TABLE steps (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  session_key TEXT NOT NULL,
  turn TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('answer', 'decision', 'begin', 'result', 'steering')),
  content TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX steps_of_turn ON steps (session_key, turn, seq);

-- choices: a JSON list of {label, text}; NULL: none.
ALTER TABLE outbox ADD COLUMN choices TEXT;

CREATE TABLE notes (
  agent TEXT NOT NULL,
  user TEXT NOT NULL,
  number INTEGER NOT NULL,
  text TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (agent, user, number)
) STRICT, WITHOUT ROWID;

-- day: counted from 1970, UTC. An empty session_key: all of a person's sessions together; an empty user too: all people.
-- cost: NULL when none of what was added had a price.
CREATE TABLE usage (
  day INTEGER NOT NULL,
  agent TEXT NOT NULL,
  user TEXT NOT NULL,
  session_key TEXT NOT NULL,
  runs INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost REAL,
  PRIMARY KEY (day, agent, user, session_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_of_session ON usage (session_key, day) WHERE session_key <> '';
CREATE INDEX usage_of_people ON usage (day) WHERE session_key = '' AND user <> '';
`
