package progress

// Names tells which ids things have now. What was recorded under an id that something
// had is told as progress of that thing, together with what was recorded since.
//
// An id that nothing had is returned as it is. Asking again about what was returned
// returns the same.
type Names interface {
	Lab(id string) string       // of a lab, or of one with a fault in it
	Task(lab, id string) string // of a task; lab is the id that its lab has now
	Lesson(id string) string
	Quiz(id string) string // of a quiz or prediction
}

// WithNames makes the store tell progress by the ids that things have now. What is
// recorded stays as it is, so that older programs and other courses find theirs; and an
// export of any age can be merged with it.
func WithNames(names Names) Option { return func(s *Store) { s.names = names } }

// asRecorded are the names of a program that knows of no others.
type asRecorded struct{}

func (asRecorded) Lab(id string) string     { return id }
func (asRecorded) Task(_, id string) string { return id }
func (asRecorded) Lesson(id string) string  { return id }
func (asRecorded) Quiz(id string) string    { return id }
