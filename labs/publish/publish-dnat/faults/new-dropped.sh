iptables -I FORWARD ! -i docker0 -o docker0 -m conntrack --ctstate NEW -j DROP
