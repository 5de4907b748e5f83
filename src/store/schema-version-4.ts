// Schema version 4: what schedules have said. Frozen: a later change is a later version.

export const VERSION_4 = `
-- times: the pattern and its time zone. after_ms: up to here everything was said, or came before the schedule.
CREATE TABLE schedules (
  name TEXT PRIMARY KEY,
  times TEXT NOT NULL,
  after_ms INTEGER NOT NULL,
  due_at_ms INTEGER,
  message_seq INTEGER
) STRICT, WITHOUT ROWID;
`
