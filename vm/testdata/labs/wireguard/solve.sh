wg genkey > /tmp/a.key
wg genkey > /tmp/b.key
ip link add wg0 type wireguard
wg set wg0 private-key /tmp/a.key listen-port 51820 peer "$(wg pubkey < /tmp/b.key)" endpoint 192.0.2.2:51820 allowed-ips 198.51.100.2/32
ip addr add 198.51.100.1/24 dev wg0
ip link set wg0 up
ip netns exec b ip link add wg0 type wireguard
ip netns exec b wg set wg0 private-key /tmp/b.key listen-port 51820 peer "$(wg pubkey < /tmp/a.key)" allowed-ips 198.51.100.1/32
ip netns exec b ip addr add 198.51.100.2/24 dev wg0
ip netns exec b ip link set wg0 up
