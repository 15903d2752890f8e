# fails: source, virtual
# misconception: relayed
# A program chooses in turn, and a redirect leads the calls there.
cat > /tmp/relay.pl <<'END'
use IO::Socket;
my ($port, @servers) = @ARGV;
$SIG{CHLD} = "IGNORE";
my $listener = IO::Socket::INET->new(Proto => "tcp", Type => SOCK_STREAM) or die;
setsockopt $listener, SOL_SOCKET, SO_REUSEADDR, 1;
setsockopt $listener, 0, 19, 1; # IP_TRANSPARENT
bind $listener, sockaddr_in($port, INADDR_ANY) or die;
listen $listener, 128;
for (my $n = 0; my $caller = $listener->accept; $n++) {
  next if fork;
  my $server = IO::Socket::INET->new(PeerAddr => $servers[$n % @servers]) or exit;
  my ($in, $out) = fork ? ($caller, $server) : ($server, $caller);
  syswrite $out, $_ while sysread $in, $_, 9999;
  shutdown $out, 1;
  exit;
}
END
perl /tmp/relay.pl 9999 ${pods}.11:8080 ${pods}.12:8080 ${pods}.13:8080 &
until ss -ltn | grep -q :9999; do :; done
iptables -t nat -A PREROUTING -d ${svc}.10 -p tcp --dport 80 -j REDIRECT --to-ports 9999
iptables -t nat -A OUTPUT -d ${svc}.10 -p tcp --dport 80 -j REDIRECT --to-ports 9999
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
