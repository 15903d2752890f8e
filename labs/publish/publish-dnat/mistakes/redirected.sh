# fails: outside
# misconception: userspace-proxy
# Nobody listens on the port itself, but the calls still end at a program.
cat > /tmp/relay.pl <<'END'
use IO::Socket;
use IO::Select;
my ($at, @servers) = @ARGV;
$SIG{PIPE} = "IGNORE";
my $listener = IO::Socket::INET->new(LocalAddr => $at, Listen => 128, ReuseAddr => 1) or die;
my ($open, %other, $n) = IO::Select->new($listener);
while (my @ready = $open->can_read) {
  for my $from (@ready) {
    if ($from == $listener) {
      my $caller = $listener->accept or next;
      my $server = IO::Socket::INET->new(PeerAddr => $servers[$n++ % @servers]) or next;
      @other{$caller, $server} = ($server, $caller);
      $open->add($caller, $server);
    } elsif (my $to = $other{$from}) {
      next if sysread $from, $data, 9999 and syswrite $to, $data;
      delete @other{$from, $to};
      $open->remove($from, $to);
      close $_ for $from, $to;
    }
  }
}
END
perl /tmp/relay.pl 0.0.0.0:9999 ${net}.0.2:80 &
until ss -ltn | grep -q :9999; do :; done
iptables -t nat -A PREROUTING -d ${lan}.100 -p tcp --dport ${port} -j REDIRECT --to-ports 9999
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp --dport ${port} -j REDIRECT --to-ports 9999
