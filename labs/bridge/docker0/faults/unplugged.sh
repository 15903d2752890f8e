# Pulled out of the switch. The cable stays.
ip link set vc2 nomaster
