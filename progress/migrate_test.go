package progress

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// version1 is a file as the first release wrote it. It must stay as it is.
const version1 = `
PRAGMA journal_mode = wal;
CREATE TABLE attempt (id TEXT PRIMARY KEY, lab TEXT NOT NULL, seed INTEGER NOT NULL, started INTEGER NOT NULL,
	seen INTEGER NOT NULL, solved INTEGER, ended INTEGER, resets INTEGER NOT NULL DEFAULT 0,
	solution INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_of_lab ON attempt (lab, started);
CREATE TABLE hint (attempt TEXT NOT NULL, task TEXT NOT NULL, tier INTEGER NOT NULL,
	PRIMARY KEY (attempt, task)) STRICT, WITHOUT ROWID;
CREATE TABLE task_first (lab TEXT NOT NULL, task TEXT NOT NULL, at INTEGER NOT NULL,
	PRIMARY KEY (lab, task)) STRICT, WITHOUT ROWID;
CREATE TABLE lesson (id TEXT PRIMARY KEY, position INTEGER NOT NULL, seen INTEGER NOT NULL,
	finished INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE answer (id TEXT PRIMARY KEY, quiz TEXT NOT NULL, right INTEGER NOT NULL,
	at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX answer_to_quiz ON answer (quiz, at);
INSERT INTO attempt VALUES ('A1', 'docker0', 7, 1700000000000, 1700000090000, 1700000060000, NULL, 1, 0);
INSERT INTO hint VALUES ('A1', 'ports', 2);
INSERT INTO task_first VALUES ('docker0', 'ports', 1700000030000);
INSERT INTO lesson VALUES ('bridge', 12, 1700000000000, NULL);
INSERT INTO answer VALUES ('Q1', 'who', 1, 1700000000000);
PRAGMA user_version = 1;`

func TestVersion1IsUnderstood(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	db, err := openDatabase(filepath.Join(dir, fileName))
	must(t, err)
	_, err = db.Exec(version1)
	must(t, err)
	must(t, db.Close())

	s := open(t, dir)
	if v := value(schemaVersion(ctx, s.db))(t); v != len(migrations) {
		t.Errorf("format is %d after opening, want %d", v, len(migrations))
	}
	if p := value(s.Labs(ctx))(t)["docker0"]; !p.Solved || p.Best.Seconds() != 60 || len(p.TasksDone) != 1 {
		t.Errorf("lab: %+v", p)
	}
	if p := value(s.Lessons(ctx))(t)["bridge"]; p.Position != 12 || p.Finished {
		t.Errorf("lesson: %+v", p)
	}
	if p := value(s.Quizzes(ctx))(t)["who"]; p.Right != 1 {
		t.Errorf("quiz: %+v", p)
	}
	fill(t, s)
}

func TestMigrationsRunInOrderAndWhole(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "x.db")
	db, err := openDatabase(path)
	must(t, err)
	defer db.Close() //nolint:errcheck // a test's
	steps := []string{
		"CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)",
		"ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1",
	}
	must(t, migrate(ctx, db, path, steps[:1]))
	must(t, migrate(ctx, db, path, steps))
	must(t, migrate(ctx, db, path, steps)) // nothing left to do

	broken := append(steps, "UPDATE a SET x = 9; SELECT no_such_function()")
	if err := migrate(ctx, db, path, broken); err == nil {
		t.Fatal("a step that fails was taken for done")
	}
	if got := row(t, db); got != "2 1 2" {
		t.Errorf("after a step that failed: version, x, y = %s, want 2 1 2", got)
	}
	must(t, migrate(ctx, db, path, append(steps, "UPDATE a SET y = y * 10", "UPDATE a SET y = y + 1")))
	if got := row(t, db); got != "4 1 21" {
		t.Errorf("at the end: version, x, y = %s, want 4 1 21", got)
	}
	if err := migrate(ctx, db, path, steps); err == nil {
		t.Error("a newer file was taken")
	}
}

func row(t *testing.T, db *sql.DB) string {
	t.Helper()
	var x, y int
	must(t, db.QueryRow("SELECT x, y FROM a").Scan(&x, &y))
	return fmt.Sprint(value(schemaVersion(context.Background(), db))(t), x, y)
}
