#!/usr/bin/env bash
# Runs the tests of what is concurrent under the race detector, which finds what two
# goroutines touch without agreement where any test makes them do so. It needs a C
# compiler, because the detector's runtime is linked with one. Namespaces are made as
# the user who calls it; that labs work for root and for others is not asked here.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/failures.sh
export CGO_ENABLED=1
export PATH=$PATH:/usr/sbin:/sbin
command -v gcc >/dev/null || {
	echo "error: the race detector needs a C compiler" >&2
	echo "hint: as root, run: apt-get install gcc libc6-dev" >&2
	exit 3
}

packages=(./attempt ./engine/check ./engine/observe ./engine/session ./engine/trial ./plain ./tui/... ./author/prove ./author/watch ./author/draft ./author/lint)
# What counts packets takes minutes and is about time; the rest of a session's tests make
# the same goroutines meet.
skip='Silent|TestWhatALearnerCaptures'

log=$(mktemp /tmp/underlay-race.XXXXXX)
trap 'rm -f "$log"' EXIT
if go test -race -vet=off -short -timeout 20m -skip "$skip" -v "${packages[@]}" >"$log" 2>&1; then
	grep -E '^ok ' "$log"
	echo "No races were seen."
	exit 0
fi
grep -A 40 'WARNING: DATA RACE' "$log" | head -n 200 >&2 || true
failures "$log" >&2
exit 1
