# Containers first, other names on the host's side, the bridge at the end.
for n in 1 2; do
  ip link add port$n type veth peer name tmp$n
  ip link set tmp$n netns c$n name eth0
  ip -n c$n addr add ${net}.0.$((n + 1))/16 dev eth0
  ip -n c$n link set eth0 up
  ip link set port$n up
done
ip link add name docker0 up type bridge
ip addr add ${net}.0.1/16 brd + dev docker0
ip link set port1 master docker0
ip link set port2 master docker0
