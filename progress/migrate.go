package progress

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"underlay/engine"
)

// migrations bring a file from one schema version to the next: the first makes
// version 1 of an empty file. They are only ever appended to.
//
// Times are milliseconds since 1970, UTC.
var migrations = [...]string{
	`
	CREATE TABLE attempt (
		id       TEXT PRIMARY KEY,
		lab      TEXT NOT NULL,
		seed     INTEGER NOT NULL,
		started  INTEGER NOT NULL,
		seen     INTEGER NOT NULL,           -- the last sign of life
		solved   INTEGER,                    -- when all tasks first passed
		ended    INTEGER,                    -- when the learner left
		resets   INTEGER NOT NULL DEFAULT 0,
		solution INTEGER NOT NULL DEFAULT 0  -- 1 once a solution was shown
	) STRICT, WITHOUT ROWID;
	CREATE INDEX attempt_of_lab ON attempt (lab, started);
	CREATE TABLE hint (
		attempt TEXT NOT NULL,
		task    TEXT NOT NULL,
		tier    INTEGER NOT NULL,            -- the furthest one given, from 1
		PRIMARY KEY (attempt, task)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE task_first (
		lab  TEXT NOT NULL,
		task TEXT NOT NULL,
		at   INTEGER NOT NULL,               -- when it first passed
		PRIMARY KEY (lab, task)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE lesson (
		id       TEXT PRIMARY KEY,
		position INTEGER NOT NULL,
		seen     INTEGER NOT NULL,
		finished INTEGER
	) STRICT, WITHOUT ROWID;
	CREATE TABLE answer (
		id    TEXT PRIMARY KEY,
		quiz  TEXT NOT NULL,
		right INTEGER NOT NULL,
		at    INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX answer_to_quiz ON answer (quiz, at);
	`,
}

// tables are those of the newest schema.
var tables = [...]string{"attempt", "hint", "task_first", "lesson", "answer"}

func schemaVersion(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (int, error) {
	var v int
	err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v)
	return v, err
}

// errNewer says that a file was written by a newer program than this one.
func errNewer(path string, version, newest int) error {
	return engine.Hintf(
		fmt.Errorf("%s was written by a newer version of Underlay (its format is %d, this one knows up to %d)", path, version, newest),
		"update Underlay, or keep progress elsewhere with --state DIR")
}

// migrate applies the steps that a file lacks, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB, path string, steps []string) error {
	for {
		done, err := migrateOnce(ctx, db, path, steps)
		if err != nil || done {
			return err
		}
	}
}

func migrateOnce(ctx context.Context, db *sql.DB, path string, steps []string) (done bool, err error) {
	version, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return false, err
	case version > len(steps) || version < 0:
		return false, errNewer(path, version, len(steps))
	case version == len(steps):
		return true, nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, rollback(tx))
		}
	}()
	// Another program may have gone ahead until the transaction began.
	now, err := schemaVersion(ctx, tx)
	if err != nil || now != version {
		return false, errors.Join(err, rollback(tx))
	}
	if _, err := tx.ExecContext(ctx, steps[version]); err != nil {
		return false, fmt.Errorf("bring %s to format %d: %w", path, version+1, err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}

// rollback gives a transaction up; one that has ended already is no error.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}
