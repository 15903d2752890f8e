#!/usr/bin/env bash
# Runs the tests of kube/, as the user who calls it and, when that is root, a
# second time as an ordinary user, because clusters must work both ways. A
# skipped test is a failure.
#
#   UNDERLAY_TEST_USER   the ordinary user (default: nobody)
#   KUBE_TEST_FLAGS      more flags for the tests, such as -test.run Service
#   KUBE_TEST_POLICIES   all: judge every case of NetworkPolicy on every network,
#                        which takes a quarter of an hour for each user
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/failures.sh
. scripts/ordinary.sh
export CGO_ENABLED=0 UNDERLAY_KUBE_BIN=$PWD/bin
export PATH=$PATH:/usr/sbin:/sbin

work=$(mktemp -d /tmp/underlay-kube-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
copy_sources "$work/src"
chmod -R go+rX "$work"
install -m 755 bin/underlay-kube bin/underlay-pod "$work/bin"
export UNDERLAY_KUBE_BIN=$work/bin

# packages: those that have tests, in both modules.
packages() {
	for module in kube kube/conformance; do
		(cd $module && go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./...) | sed "s|^$PWD/||"
	done
}

# run NAME COMMAND…: runs it with its output in a file, and shows its tables;
# fails on failure or skip.
run() {
	local name=$1 log tables
	log=$work/${name//[ \/]/-}.log
	shift
	if "$@" >"$log" 2>&1 && ! grep -q -e '--- SKIP' "$log"; then
		tables=$(sed -n 's/^ *|/      |/p' "$log")
		echo "ok    $name${tables:+$'\n'$tables}"
		return 0
	fi
	echo "FAILED: $name" >&2
	failures "$log" >&2
	return 1
}

# as_ordinary COMMAND…: runs a command as the ordinary user.
as_ordinary() {
	ordinary "$work/home" TMPDIR=/tmp UNDERLAY_KUBE_BIN="$UNDERLAY_KUBE_BIN" KUBE_TEST_POLICIES="${KUBE_TEST_POLICIES:-}" "$@"
}

# flaky NAME COMMAND…: runs those tests once more, by themselves, that have failed in the
# command of that name: what was late on a busy machine is not then. They are counted,
# told as flakes, and to be mended; many of them are a failure.
flaky() {
	local name=$1 log failed test
	log=$work/${name//[ \/]/-}.log
	shift
	failed=$(sed -n 's/^--- FAIL: \([^ ]*\).*/\1/p' "$log")
	[ -n "$failed" ] && ! grep -q -e '--- SKIP' -e '^panic: ' "$log" || return 1
	run "$name, again" "$@" -test.run "^($(tr '\n' '|' <<<"$failed" | sed 's/|$//'))$" || return 1
	for test in $failed; do
		echo "FLAKE $name: $test" | tee -a "$work/flakes"
	done
}

# proofs NAME COMMAND…: runs proofs, each that fails once more; what is proven then is told
# and counted as a flake, too.
proofs() {
	local log=$work/${1//[ \/]/-}.log
	run "$@" || return 1
	{ grep -h ': FLAKE: ' "$log" || true; } | sed "s/^/FLAKE $1: /" | tee -a "$work/flakes"
}

status=0
limit=20m
[ "${KUBE_TEST_POLICIES:-}" != all ] || limit=90m
read -r -a flags <<<"-test.v -test.timeout=$limit ${KUBE_TEST_FLAGS:-}"
# With the flags of make kube, or all of Kubernetes would be compiled again, and without go
# vet, which would read all of it for minutes once more than make kube-lint does.
tests=()
for package in $(packages); do
	binary=$work/bin/${package//\//-}.test
	(cd "$package" && go test -trimpath -vet=off -c -o "$binary" .)
	tests+=("$package")
done
# The tutor's own side of it: labs with a cluster.
go test -tags kube -c -o "$work/bin/engine-session.test" ./engine/session
mkdir -p "$work/src/engine/session"
tests+=(engine/session)

# lane NAME [AS]: runs every package's tests in turn, by AS if that is given.
lane() {
	local name=$1 package only command status=0
	shift
	for package in "${tests[@]}"; do
		only=()
		[ "$package" != engine/session ] || only=(-test.run '^(TestCluster|TestManifest)')
		command=("$@" env -C "$work/src/$package" "$work/bin/${package//\//-}.test" "${flags[@]}" "${only[@]}")
		run "$name $package" "${command[@]}" || flaky "$name $package" "${command[@]}" || status=1
	done
	return $status
}

# Two at a time: most of it is waiting.
second=
if [ "$(id -u)" -eq 0 ]; then
	lane rootless as_ordinary &
	second=$!
fi
lane "$(id -un)" || status=1
[ -z "$second" ] || wait "$second" || status=1
# And the labs that have one.
go build -trimpath -o "$work/bin/underlay" .
proof=("$work/bin/underlay" author test --strict --verbose --again --requiring kubernetes --source "$work/src" --proven "$work/src/.ci/proven")
if [ "$(id -u)" -eq 0 ]; then
	proofs "rootless proofs" as_ordinary "${proof[@]}" || status=1
	proof+=(--run '/(untouched|solution|alternative|reset)') # what more rights could change
fi
proofs "$(id -un) proofs" "${proof[@]}" || status=1
# On the screen, too.
export UNDERLAY_BIN=$work/bin/underlay
run "$(id -un) journeys" go test -v ./journeys -run '^TestJourneyThroughEveryLab$/^(clusterip|default-deny)$' || status=1
flakes=$(cat "$work/flakes" 2>/dev/null | wc -l)
[ "$flakes" -le 2 ] || status=1
[ "$status" -eq 0 ] && echo "All tests of kube passed, $flakes of them on the second try."
exit "$status"
