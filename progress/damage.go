package progress

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"underlay/engine"
)

// fullCheckSize is the size in bytes up to which every page of a file is
// checked each time it is opened. It takes about a millisecond.
const fullCheckSize = 256 << 10

// errDamaged says that a file is not a sound database.
var errDamaged = errors.New("the progress file is damaged")

func isDamaged(err error) bool {
	return errors.Is(err, errDamaged) || isCode(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
}

// isCode says whether err is one of these primary SQLite results.
func isCode(err error, codes ...int) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code()&0xff == c {
			return true
		}
	}
	return false
}

// The parts of a database file's first bytes that are looked at.
const (
	headerSize      = 100
	headerMagic     = "SQLite format 3\x00"
	headerVersionAt = 60
)

// inspect looks at a file before SQLite does, and makes an empty one if there
// is none. An empty file is what a first start that was cut short leaves.
func inspect(path string, newest int) error {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return cannotKeep(path, err)
		}
		return f.Close()
	}
	if err != nil {
		return cannotKeep(path, err)
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a file", errDamaged)
	}
	if fi.Size() == 0 {
		return nil
	}
	header, err := readHeader(path)
	if err != nil {
		return err
	}
	if v := int32(binary.BigEndian.Uint32(header[headerVersionAt:])); int(v) > newest {
		return errNewer(path, int(v), newest)
	}
	return nil
}

// readHeader is called before the program has the database open: closing a
// descriptor drops the locks that SQLite holds through others of this process.
func readHeader(path string) (header []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, cannotKeep(path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	header = make([]byte, headerSize)
	_, err = io.ReadFull(f, header)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && !bytes.HasPrefix(header, []byte(headerMagic)) {
		return nil, errDamaged
	}
	return header, err
}

func cannotKeep(path string, err error) error {
	return engine.Hintf(fmt.Errorf("progress cannot be kept: %w", err),
		"make %s a file that you can write to, or name another directory with --state DIR", path)
}

// check finds damage: everywhere in a small file and in one that a call has met
// damage in, else in the first page of each table.
func check(ctx context.Context, db *sql.DB, path string) error {
	for _, t := range tables {
		rows, err := db.QueryContext(ctx, "SELECT 1 FROM "+t+" LIMIT 1")
		if err != nil && ctx.Err() == nil && isCode(err, sqlite3.SQLITE_ERROR) {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		if err != nil {
			return err
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	_, err := os.Lstat(suspectMark(path))
	suspect := err == nil
	if fi, err := os.Stat(path); err != nil || fi.Size() > fullCheckSize && !suspect {
		return err
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	if suspect {
		return os.Remove(suspectMark(path))
	}
	return nil
}

// suspectMark is an empty file that asks the next Open for a full check.
func suspectMark(path string) string { return path + ".suspect" }

// setAside renames a damaged file with what belongs to it and returns its new
// name.
func setAside(path string, now time.Time) (string, error) {
	aside := path + ".corrupt-" + now.UTC().Format("20060102T150405.000Z")
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.corrupt-%s-%d", path, now.UTC().Format("20060102T150405.000Z"), i)
	}
	if err := os.Rename(path, aside); err != nil {
		return "", engine.Hintf(fmt.Errorf("the progress file is damaged and cannot be set aside: %w", err),
			"move %s away yourself", path)
	}
	var errs []error
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := os.Remove(suspectMark(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return aside, errors.Join(errs...)
}

func errBusy(where string) error {
	return engine.Hintf(fmt.Errorf("another program is using the progress in %s", where),
		"try again; if that does not help, close the other Underlay")
}

// explain turns what SQLite says into words with a remedy.
func (s *Store) explain(err error) error {
	var done *engine.Error
	switch {
	case err == nil || errors.As(err, &done):
		return err
	case isCode(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), errors.Is(err, context.DeadlineExceeded):
		return errBusy(s.path)
	case isDamaged(err):
		f, markErr := os.OpenFile(suspectMark(s.path), os.O_WRONLY|os.O_CREATE, 0o600)
		if markErr == nil {
			markErr = f.Close()
		}
		return engine.Hintf(errors.Join(fmt.Errorf("%s is damaged: %w", s.path, err), markErr),
			"start Underlay again: it sets the damaged file aside and starts a new one")
	case isCode(err, sqlite3.SQLITE_FULL):
		return engine.Hintf(fmt.Errorf("there is no room for %s: %w", s.path, err), "free some disk space")
	case isCode(err, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
		return cannotKeep(s.path, fmt.Errorf("%s: %w", s.path, err))
	}
	return fmt.Errorf("progress in %s: %w", s.path, err)
}
