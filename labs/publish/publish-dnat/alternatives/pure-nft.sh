# nftables, with a table of its own beside the one that is there.
nft add table ip publish
nft 'add chain ip publish pre { type nat hook prerouting priority dstnat; policy accept; }'
nft 'add chain ip publish out { type nat hook output priority -100; policy accept; }'
nft add rule ip publish pre fib daddr type local tcp dport ${port} dnat to ${net}.0.2:80
nft add rule ip publish out ip daddr != 127.0.0.0/8 fib daddr type local tcp dport ${port} dnat to ${net}.0.2:80
