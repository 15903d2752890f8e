# The way to the far network is forgotten on client.
# node: client
ip route del default
