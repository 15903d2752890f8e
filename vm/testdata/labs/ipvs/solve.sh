# ipvsadm talks to the kernel in a way that only the machine's own root may.
# The older way, by socket options, is open to a lab. A service and its server:
svc() { perl -e 'use Socket; print pack("S x2 a4 n x2 L a16 L L a4", 6, inet_aton($ARGV[0]), 80, 0, "rr", 0, 0, "\xff" x 4)' "$1"; }
server() { svc "$1"; perl -e 'use Socket; print pack("a4 n x2 L l L L", inet_aton($ARGV[0]), 80, 0, 1, 0, 0)' "$2"; }
option() { perl -e 'use Socket; local $/; socket(S, AF_INET, SOCK_RAW, 255) && setsockopt(S, 0, 1152 + shift, <STDIN>) || die "$!\n"' "$1"; }
svc 192.0.2.1 | option 2
server 192.0.2.1 198.51.100.2 | option 7
