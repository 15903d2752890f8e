# fails: virtual
# misconception: relayed
# Pods' calls are rewritten. node1's own calls go to a program.
cat > /tmp/relay.pl <<'END'
use IO::Socket;
use IO::Select;
my ($port, @servers) = @ARGV;
$SIG{PIPE} = "IGNORE";
my $listener = IO::Socket::INET->new(Proto => "tcp", Type => SOCK_STREAM) or die;
setsockopt $listener, SOL_SOCKET, SO_REUSEADDR, 1;
setsockopt $listener, 0, 19, 1; # IP_TRANSPARENT
bind $listener, sockaddr_in($port, INADDR_ANY) or die;
listen $listener, 128;
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
perl /tmp/relay.pl 9999 ${pods}.11:8080 ${pods}.12:8080 ${pods}.13:8080 &
until ss -ltn | grep -q :9999; do :; done
iptables -t nat -N WEB
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.33333 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.12:8080
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
iptables -t nat -A PREROUTING -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A OUTPUT -d ${svc}.10 -p tcp --dport 80 -j REDIRECT --to-ports 9999
iptables -t nat -A POSTROUTING -s ${pods}.11 -d ${pods}.11 -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${pods}.12 -d ${pods}.12 -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${pods}.13 -d ${pods}.13 -j MASQUERADE
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
