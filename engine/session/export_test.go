package session

import "underlay/engine"

// Explains reports whether an autopsy is under way in the background.
func Explains(s engine.Session) bool {
	own := s.(*Session)
	own.mu.Lock()
	defer own.mu.Unlock()
	return own.explaining != nil && !own.status.Checking
}
