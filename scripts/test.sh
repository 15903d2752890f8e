#!/usr/bin/env bash
# Runs every test. Those that need the kernel run twice when started by root:
# as root, and again as an ordinary user, because labs must work both ways.
# A skipped test is a failure: every test here must run.
#
#   UNDERLAY_TEST_USER   the ordinary user (default: nobody)
#   UNDERLAY_TEST_SHARE  which third of the autopsy's faults that user tries when root
#                        tries them all: 1/3, 2/3 or 3/3 (default: another one each day)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/failures.sh
. scripts/ordinary.sh
export CGO_ENABLED=0
export PATH=$PATH:/usr/sbin:/sbin

# Packages whose tests make namespaces.
kernel=(./cli ./engine/internal/netns ./engine/internal/nl ./engine/sandbox ./engine/wire ./engine/observe ./engine/probe ./engine/workload ./engine/preflight ./engine/session ./engine/autopsy ./engine/undo ./progress ./course/format ./author/record ./journeys)

work=$(mktemp -d /tmp/underlay-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# run NAME COMMAND…: runs it with its output in a file; fails on failure or skip.
run() {
	local name=$1 log
	shift
	log=$work/$name.log
	if "$@" >"$log" 2>&1 && ! grep -q -e '--- SKIP' -e '^=== SKIP' "$log"; then
		grep -E '^(ok |PASS$|FAIL|[0-9]+ proven|Of [0-9]+ lab)' "$log" | sed "s|^|$name: |"
		return 0
	fi
	echo "FAILED: $name" >&2
	failures "$log" >&2
	return 1
}

# rootless PACKAGE: runs a package's compiled tests as the ordinary user.
rootless() {
	local dir=$work/src/$1 bin
	bin=$work/bin/$(basename "$1").test
	local enter=()
	case $1 in # these make namespaces, but not the user namespace to make them in
	./engine/internal/* | ./engine/observe | ./engine/probe | ./engine/workload)
		enter=(unshare -U -n -m --map-current-user --keep-caps sh -c 'ip link set lo up && exec "$0" "$@"')
		;;
	esac
	# What is about root himself, or not about who runs it, is left to root.
	(cd "$dir" && as_ordinary "${enter[@]}" "$bin" -test.v -test.timeout 20m -test.skip '(AsRoot|Once)$')
}

# as_ordinary COMMAND…: runs a command as the ordinary user.
as_ordinary() {
	local user=${UNDERLAY_TEST_USER:-nobody}
	install -d -o "$user" "$work/tmp"
	ordinary "$work/home" TMPDIR="$work/tmp" USER="$user" TERM=xterm-256color UNDERLAY_BIN="$work/bin/underlay" UNDERLAY_TEST_SHARE="$share" "$@"
}

status=0
share=${UNDERLAY_TEST_SHARE:-$(($(date +%-j) % 3 + 1))/3}
unset UNDERLAY_TEST_SHARE # root tries all
go vet ./... || status=1 # all of it, so that go test need not
mkdir -p "$work/bin"
go build -trimpath -o "$work/bin/underlay" .
export UNDERLAY_BIN=$work/bin/underlay

if [ "$(id -u)" -eq 0 ]; then
	go test -vet=off -c -o "$work/bin/" "${kernel[@]}"
	copy_sources "$work/src"
	chmod -R go+rX "$work"
	# Two at a time: one machine's cores are few, and labs are real.
	(
		status=0
		for p in "${kernel[@]}"; do
			ls "$p"/*_test.go >/dev/null 2>&1 || continue
			run "rootless $(basename "$p")" rootless "$p" || status=1
		done
		exit "$status"
	) &
	second=$!
fi
run "${SUDO_USER:-$(id -un)}" go test -vet=off -v -timeout 30m ./... || status=1
if [ -n "${second:-}" ]; then
	wait "$second" || status=1
fi
# The labs are proven last, by the program itself, when nothing else makes their
# packets late: a sample of what .ci/proven says has been proven in full, all of what
# has changed since. Those with a cluster are proven by kube-test.sh. As the ordinary
# user if there is one: root has the right ways, which more rights could change.
proofs=("$work/bin/underlay" author test --strict --verbose --without kubernetes)
if [ "$(id -u)" -eq 0 ]; then
	proofs+=(--source "$work/src" --proven "$work/src/.ci/proven")
	run "rootless proofs" as_ordinary "${proofs[@]}" || status=1
	proofs+=(--run '/(untouched|solution|alternative|reset)')
else
	proofs+=(--proven .ci/proven)
fi
run "proofs" "${proofs[@]}" || status=1
[ "$status" -eq 0 ] && echo "All tests passed."
exit "$status"
