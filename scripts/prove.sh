#!/usr/bin/env bash
# Makes every proof of every lab, as the user who calls it and, when that is root, as an
# ordinary one, and remembers in .ci/proven what has been proven. Labs with a
# Kubernetes are proven if it has been built.
#
#   UNDERLAY_TEST_USER   the ordinary user (default: nobody)
#   PROVE                the labs to prove, by their ids (default: all)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/ordinary.sh
export PATH=$PATH:/usr/sbin:/sbin
began=$SECONDS
work=$(mktemp -d /tmp/underlay-prove.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/bin"
install -m 755 bin/underlay bin/underlay-kube bin/underlay-pod "$work/bin" 2>/dev/null || install -m 755 bin/underlay "$work/bin"
copy_sources "$work/src"
touch "$work/src/.ci/proven"
chmod -R go+rX "$work"
read -r -a labs <<<"${PROVE:-}"
# Apart, so that a line says how long each kind takes; those that are named, together.
kinds=("--without kubernetes" "--requiring kubernetes")
if [ "${#labs[@]}" -gt 0 ]; then
	kinds=("")
elif [ ! -x "$work/bin/underlay-kube" ]; then
	kinds=("--without kubernetes")
	echo "Kubernetes is not built (make kube), so labs that need it are left out."
fi

# prove NAME [AS]: makes the proofs, by AS if that is given, and takes over what is proven.
status=0
prove() {
	local name=$1 kind ledger=$work/$1/proven
	shift
	mkdir "$work/$name"
	cp .ci/proven "$ledger" 2>/dev/null || touch "$ledger"
	[ -z "${owner:-}" ] || chown -R "$owner" "$work/$name"
	for kind in "${kinds[@]}"; do
		local from=$SECONDS
		# shellcheck disable=SC2086 # a flag and its value
		"$@" "$work/bin/underlay" author test --strict $kind --source "$work/src" --proven "$ledger" --remember "${labs[@]}" || status=1
		echo "$name ${kind:-${labs[*]}}: $((SECONDS - from)) s"
	done
	cp "$ledger" .ci/proven
}

if [ "$(id -u)" -eq 0 ]; then
	owner=${UNDERLAY_TEST_USER:-nobody}
	prove ordinary ordinary "$work/ordinary" TMPDIR=/tmp USER="$owner" TERM=xterm-256color
	owner=
	prove root env
else
	prove ordinary env
fi
echo "It took $((SECONDS - began)) s. What was proven is in .ci/proven."
exit "$status"
