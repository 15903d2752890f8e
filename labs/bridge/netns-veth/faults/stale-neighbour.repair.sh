# ARP will find out who has the address now.
ip neigh del ${net}.2 dev vc1
