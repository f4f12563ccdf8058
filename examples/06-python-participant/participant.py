"""The rules of a participant of grade G3 over SQLite; docs/reference/participant.md numbers them.

One process at a time: what runs in its memory is not seen by another.
"""
import json, sqlite3, threading

RAISE = """insert into marks as m values (?, ?, ?, ?) on conflict do update set token = excluded.token, key = excluded.key
  where m.token < excluded.token or (m.token = excluded.token and m.key = excluded.key) returning 1"""
KEEP = """insert into steps values (?, ?, ?, ?)
  on conflict do update set doing = excluded.doing, answer = excluded.answer"""
TABLES = """pragma synchronous = full;
  create table if not exists marks (location, slot, token integer, key, primary key (location, slot));
  create table if not exists steps (key primary key, work, doing, answer);"""


class Participant:
    """`move(work, doing)` acts. Called again with the same key after a restart, it must not act twice."""

    def __init__(self, file, move):
        self.move, self.lock = move, threading.Lock()
        self.database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.database.executescript(TABLES)
        # Rule 2: what had started when the process died is recorded to its end.
        for work, doing in self.database.execute("select work, doing from steps where doing is not null").fetchall():
            threading.Thread(target=self.act, args=(json.loads(work), doing)).start()

    def answer(self, kind, work, slot, token, late):
        with self.lock:
            self.database.execute("begin immediate")
            try:
                accepted, begins = self.accept(kind, work, slot, token, late)
                self.database.execute("commit")  # durable, before anything moves
            finally:
                if self.database.in_transaction:
                    self.database.execute("rollback")
        return self.act(work, kind) if begins else accepted

    def accept(self, kind, work, slot, token, late):
        """The answer, and whether something begins now."""
        key, location = work["key"], work["location"]
        if self.one(RAISE, location, slot, token, key) is None:
            (mark,) = self.one("select token from marks where location = ? and slot = ?", location, slot)
            return {"outcome": "stale", "mark": str(mark)}, False  # rule 1
        row = self.one("select answer from steps where key = ?", key)
        found = json.loads(row[0]) if row else None
        if kind == "status":
            return found or {"outcome": "never"}, False  # rule 5: the mark is raised
        if kind == "execute" and (found or late):
            return found or {"outcome": "retry", "reason": "too late"}, False  # rule 3, and pending while under way
        if kind == "reverse" and (not found or found["outcome"] == "refused"):
            return self.keep(work, None, {"outcome": "reversed"}), False  # rule 4: a tombstone
        if kind == "reverse" and found["outcome"] != "done":
            return found, False
        return self.keep(work, kind, {"outcome": "pending"}), True

    def act(self, work, doing):
        answer = self.move(work, doing)  # until it is kept, everybody is answered pending
        with self.lock:
            return self.keep(work, None, answer)

    def keep(self, work, doing, answer):
        self.one(KEEP, work["key"], json.dumps(work), doing, json.dumps(answer))
        return answer

    def one(self, sql, *values):
        return self.database.execute(sql, values).fetchone()
