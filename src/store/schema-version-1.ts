// Schema version 1: the tables of the first release. Frozen: a later change is a later version.
// Every hot question has an index that holds only what can still be its answer (partial indexes on what is unfinished or
// owed), so that a million old messages cost nothing. Counts are kept by triggers: counting rows would read them all.

export const VERSION_1 = `
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  conversation TEXT NOT NULL,
  platform_message_id TEXT NOT NULL,
  session_key TEXT NOT NULL,
  agent TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('dm', 'group')),
  sender_id TEXT NOT NULL,
  sender_name TEXT,
  sender_handle TEXT,
  text TEXT NOT NULL,
  addressed INTEGER NOT NULL,
  album TEXT,
  attachments INTEGER NOT NULL,
  continues INTEGER NOT NULL,
  command_name TEXT,
  command_text TEXT,
  accepted_at_ms INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  outcome TEXT CHECK (outcome IN ('answered', 'discarded', 'dead')),
  reason TEXT,
  settled_at_ms INTEGER,
  UNIQUE (channel, conversation, platform_message_id)
) STRICT;
CREATE INDEX messages_unfinished ON messages (channel, seq) WHERE outcome IS NULL;
CREATE INDEX messages_unfinished_of_session ON messages (session_key, seq) WHERE outcome IS NULL;
CREATE INDEX messages_tried ON messages (tries) WHERE outcome IS NULL AND tries >= 2;

CREATE TABLE sessions (
  key TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  conversation TEXT NOT NULL,
  agent TEXT NOT NULL,
  turns INTEGER NOT NULL DEFAULT 0,
  last_turn TEXT,
  updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_updated ON sessions (updated_at_ms);

CREATE TABLE transcript (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  session_key TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'partial', 'failure', 'reset', 'undo')),
  turn TEXT NOT NULL,
  text TEXT NOT NULL,
  sender_id TEXT,
  sender_name TEXT,
  sender_handle TEXT,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX transcript_of_session ON transcript (session_key, seq);

-- attempting: a send of the next part has begun and not ended. in_doubt: an earlier send of the next part ended in a way
-- that nobody knows. uncertain: some part may stand there twice.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  conversation TEXT NOT NULL,
  session_key TEXT,
  text TEXT NOT NULL,
  reply_to TEXT,
  parts_sent INTEGER NOT NULL DEFAULT 0,
  attempting INTEGER NOT NULL DEFAULT 0,
  in_doubt INTEGER NOT NULL DEFAULT 0,
  uncertain INTEGER NOT NULL DEFAULT 0,
  outcome TEXT CHECK (outcome IN ('delivered', 'dead')),
  created_at_ms INTEGER NOT NULL,
  delivered_at_ms INTEGER
) STRICT;
CREATE INDEX outbox_owed ON outbox (channel, conversation, id) WHERE outcome IS NULL;

CREATE TABLE receipts (
  outbox_id INTEGER NOT NULL,
  part INTEGER NOT NULL,
  receipt TEXT NOT NULL,
  uncertain INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (outbox_id, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('message', 'reply')),
  message_seq INTEGER,
  outbox_id INTEGER,
  channel TEXT NOT NULL,
  conversation TEXT NOT NULL,
  text TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  CHECK ((kind = 'message') = (message_seq IS NOT NULL) AND (kind = 'reply') = (outbox_id IS NOT NULL))
) STRICT;

CREATE TABLE pairings (
  channel TEXT NOT NULL,
  user TEXT NOT NULL,
  name TEXT,
  approved_at_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE pairing_codes (
  code TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  user TEXT NOT NULL,
  name TEXT,
  asked_at_ms INTEGER NOT NULL,
  UNIQUE (channel, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX pairing_codes_asked ON pairing_codes (asked_at_ms);

CREATE TABLE journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  conversation TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  text TEXT NOT NULL,
  outbox_id INTEGER,
  part INTEGER,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_of_reply ON journal (outbox_id, part) WHERE outbox_id IS NOT NULL;
CREATE INDEX journal_of_conversation ON journal (channel, conversation, id);

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL CHECK (value >= 0)) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES
  ('waiting', 0), ('answered', 0), ('discarded', 0), ('dead', 0), ('sessions', 0), ('outbox', 0), ('dead_letters', 0);

CREATE TRIGGER messages_accepted AFTER INSERT ON messages BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'waiting';
END;
CREATE TRIGGER messages_settled AFTER UPDATE OF outcome ON messages WHEN new.outcome IS NOT old.outcome BEGIN
  UPDATE counters SET value = value - 1 WHERE name = coalesce(old.outcome, 'waiting');
  UPDATE counters SET value = value + 1 WHERE name = coalesce(new.outcome, 'waiting');
END;
CREATE TRIGGER sessions_opened AFTER INSERT ON sessions BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'sessions';
END;
CREATE TRIGGER outbox_written AFTER INSERT ON outbox BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'outbox';
END;
CREATE TRIGGER outbox_settled AFTER UPDATE OF outcome ON outbox WHEN (new.outcome IS NULL) <> (old.outcome IS NULL) BEGIN
  UPDATE counters SET value = value + iif(new.outcome IS NULL, 1, -1) WHERE name = 'outbox';
END;
CREATE TRIGGER dead_letters_written AFTER INSERT ON dead_letters BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'dead_letters';
END;
CREATE TRIGGER dead_letters_retried AFTER DELETE ON dead_letters BEGIN
  UPDATE counters SET value = value - 1 WHERE name = 'dead_letters';
END;
`
