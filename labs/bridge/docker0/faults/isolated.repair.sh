bridge link set dev vc1 isolated off
bridge link set dev vc2 isolated off
