// Package progress keeps what the learner has done: attempts at labs, lessons
// read, quiz answers, and where they were.
//
// It is one SQLite file, underlay.db, in a directory that the caller names.
// Several programs may have it open at once. Every call ends within about two
// seconds, with an error if another program holds the file for longer, so a
// screen never hangs on it. A file that is damaged is set aside, never deleted.
// What is stored only ever grows or moves forward, so that Import can merge two
// histories in any order and any number of times with the same outcome.
//
// The package does not know what lessons and labs exist: an id is any text of
// 1 to MaxID bytes. It is told which of them stand for the same, because
// something was renamed (Names); what is stored, exported and imported are ids
// as they were. Times are UTC, kept to the millisecond.
package progress
