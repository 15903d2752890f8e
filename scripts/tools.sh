#!/usr/bin/env bash
# Installs the tools that labs use, if any is missing: with apt as root or by
# sudo; otherwise it prints the line that does. "tools.sh test" adds what the
# tests use besides.
set -euo pipefail

declare -A package=(
	[ip]=iproute2 [iptables]=iptables [nft]=nftables [tcpdump]=tcpdump [conntrack]=conntrack
	[dig]=dnsutils [ping]=iputils-ping [curl]=curl
)
if [ "${1:-}" = test ]; then
	package+=([vim]=vim [less]=less [tmux]=tmux [ipset]=ipset [nc]=netcat-openbsd [setpriv]=util-linux)
fi
PATH=$PATH:/usr/sbin:/sbin
missing=()
for tool in "${!package[@]}"; do
	command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "error: these packages are missing: ${missing[*]}" >&2
	echo "hint: install them with this machine's package manager, then run make again" >&2
	exit 3
fi
install="apt-get install -y --no-install-recommends ${missing[*]}"
as=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		echo "error: these packages are missing: ${missing[*]}" >&2
		echo "hint: as root, run: apt-get update && $install" >&2
		exit 3
	fi
	as=(sudo)
fi
echo "Installing what the labs use: ${missing[*]}"
"${as[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as[@]}" $install
