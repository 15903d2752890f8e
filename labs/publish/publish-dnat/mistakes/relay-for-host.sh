# fails: kernel
# misconception: relayed
# Callers from outside are rewritten. host's own calls go to a program that calls c1.
cat > /tmp/relay.pl <<'END'
use IO::Socket;
my ($at, $to) = @ARGV;
$SIG{CHLD} = "IGNORE";
my $listener = IO::Socket::INET->new(LocalAddr => $at, Listen => 128, ReuseAddr => 1) or die;
while (my $caller = $listener->accept) {
  next if fork;
  my $server = IO::Socket::INET->new(PeerAddr => $to) or exit;
  my ($in, $out) = fork ? ($caller, $server) : ($server, $caller);
  syswrite $out, $_ while sysread $in, $_, 9999;
  shutdown $out, 1;
  exit;
}
END
perl /tmp/relay.pl 127.0.0.1:9999 ${net}.0.2:80 &
until ss -ltn | grep -q :9999; do :; done
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp --dport ${port} -j REDIRECT --to-ports 9999
