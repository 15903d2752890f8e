# node: c2
# Nobody has this address.
ip route replace default via ${net}.0.254
