#!/usr/bin/env bash
# Builds underlay-kube and underlay-pod in the background, unless they are being
# built: it takes minutes, for which nobody should have to wait. bin/kube.log has
# what has been built, one package a line, below a line that says how many there
# are; bin/kube.lock is locked meanwhile. The tutor reads both (engine/preflight).
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin

build() {
	flock --nonblock 9 || exit 0
	echo "packages: $(cd kube && go list -deps ./cmd/... 2>/dev/null | wc -l)"
	if nice -n 15 make --no-print-directory kube KUBE_FLAGS=-v; then
		echo "built"
	else
		echo "failed"
	fi
}

if [ -e bin/kube.lock ] && ! flock --nonblock bin/kube.lock true; then
	exit 0
fi
(trap '' HUP INT && build 9>bin/kube.lock) >bin/kube.log 2>&1 </dev/null &
