# To be read by scripts that run something as an ordinary user as well.

# ordinary HOME [NAME=VALUE…] COMMAND…: runs a command as UNDERLAY_TEST_USER (default:
# nobody), at home in HOME, with the environment of a fresh login and the given variables.
ordinary() {
	local user=${UNDERLAY_TEST_USER:-nobody} home=$1
	shift
	install -d -o "$user" "$home"
	setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups \
		env -i PATH="$PATH" HOME="$home" LANG=C.UTF-8 "$@"
}

# copy_sources DIR: copies this repository's files to where everybody can read them. One
# that is deleted and not yet committed is left out.
copy_sources() {
	mkdir -p "$1"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1" 2>/dev/null || true
	chmod -R go+rX "$1"
}
