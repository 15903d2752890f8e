package progress

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"underlay/engine"
)

// fileName is the database's name in the state directory.
const fileName = "underlay.db"

// How long a call may take. SQLite gives up waiting for another program a
// little before the call's own limit, and says why.
const (
	callLimit = 2 * time.Second
	busyLimit = 1500 * time.Millisecond
)

// Notice is one sentence for the user about something that Open had to do;
// empty if there was nothing.
type Notice string

// Store is an open progress file. Its methods may be called from any goroutine.
type Store struct {
	db    *sql.DB
	path  string
	now   func() time.Time
	names Names
}

// Option changes how a Store works.
type Option func(*Store)

// WithClock makes the store take the time from now instead of the system clock.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// Open opens the progress kept in dir, which is made (for its owner only) if it
// is not there. A file that cannot be read as a database is set aside as
// underlay.db.corrupt-TIME and a fresh one begun; the Notice then says so. A
// file of a newer version is refused and left as it is. Errors that the user
// can do something about are *engine.Error.
func Open(dir string, options ...Option) (*Store, Notice, error) {
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err != nil {
		return nil, "", err
	}
	if err := prepareDir(filepath.Dir(path)); err != nil {
		return nil, "", err
	}
	unlock, err := lockFile(path+".lock", callLimit)
	if err != nil {
		return nil, "", err
	}
	s := &Store{path: path, now: time.Now, names: asRecorded{}}
	for _, o := range options {
		o(s)
	}
	notice, err := s.openOrReplace()
	if err = errors.Join(err, unlock()); err != nil {
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
		return nil, "", err
	}
	return s, notice, nil
}

// Close closes the file. Nothing is lost if it is never called.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return nil
}

// Path is the database file.
func (s *Store) Path() string { return s.path }

// openOrReplace opens the file, after setting it aside if it is damaged.
func (s *Store) openOrReplace() (Notice, error) {
	err := s.openFile()
	if !isDamaged(err) {
		return "", s.explain(err)
	}
	aside, err := setAside(s.path, s.now())
	if err != nil {
		return "", err
	}
	if err := s.openFile(); err != nil {
		return "", s.explain(err)
	}
	return Notice(fmt.Sprintf("Your progress file was damaged, so a new one was started; the old one is kept as %s.", aside)), nil
}

// openFile opens, checks and upgrades the file.
func (s *Store) openFile() (err error) {
	if err := inspect(s.path, len(migrations)); err != nil {
		return err
	}
	db, err := openDatabase(s.path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version < len(migrations) {
		// The mode stays with the file. Readers and a writer do not wait for
		// each other in it, and what is committed survives the program's death.
		if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = wal"); err != nil {
			return err
		}
		if err := migrate(ctx, db, s.path, migrations[:]); err != nil {
			return err
		}
	} else if version > len(migrations) {
		return errNewer(s.path, version, len(migrations))
	}
	if err := check(ctx, db, s.path); err != nil {
		return err
	}
	s.db = db
	return nil
}

func openDatabase(path string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyLimit.Milliseconds()), "synchronous(normal)",
	}}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1) // calls of one program take turns instead of finding each other's locks
	return db, nil
}

// prepareDir makes the state directory and says in words why it cannot be used.
func prepareDir(dir string) error {
	const hint = "make it a directory that you can write to, or name another with --state DIR"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return engine.Hintf(fmt.Errorf("progress cannot be kept: %w", err), hint)
	}
	if err := unix.Access(dir, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		return engine.Hintf(fmt.Errorf("progress cannot be kept in %s: %w", dir, err), hint)
	}
	return nil
}

// lockFile takes an advisory lock, so that two programs do not create, upgrade
// or replace a file at once. The kernel drops it if this program dies.
func lockFile(path string, limit time.Duration) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, engine.Hintf(fmt.Errorf("progress cannot be kept: %w", err),
			"make it yours (see its owner with ls -l), or name another directory with --state DIR")
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f.Close, nil
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		case time.Now().After(deadline):
			return nil, errors.Join(errBusy(filepath.Dir(path)), f.Close())
		}
	}
}

// call runs f within the time that a call may take.
func (s *Store) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.explain(f(ctx))
}

// transact runs f in a transaction that is committed if f succeeds.
func (s *Store) transact(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return s.call(ctx, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			return errors.Join(err, rollback(tx))
		}
		return tx.Commit()
	})
}

// exec runs one statement.
func (s *Store) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	err = s.call(ctx, func(ctx context.Context) error {
		r, err := s.db.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		changed, err = r.RowsAffected()
		return err
	})
	return changed, err
}

// clock is the time now, as it is stored.
func (s *Store) clock() int64 { return s.now().UnixMilli() }

func fromMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
