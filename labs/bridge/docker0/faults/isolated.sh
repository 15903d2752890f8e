# No port may talk to another.
bridge link set dev vc1 isolated on
bridge link set dev vc2 isolated on
