ip route del blackhole ${lan}.5
