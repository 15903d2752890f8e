# To be read by scripts that run tests.

# failures LOG: what the tests that failed or were skipped said, then the log's end.
failures() {
	awk '/^=== (RUN|CONT|NAME) / { at = $3; next }
		/^ *--- (FAIL|SKIP): / { print said[$3] $0; next }
		!/^(=== PAUSE|PASS$|✓)|^ *--- PASS/ { said[at] = said[at] $0 "\n" }' "$1" | tail -n 200
	grep -v -E '^(=== |\s*--- PASS|✓)' "$1" | tail -n 20
}
