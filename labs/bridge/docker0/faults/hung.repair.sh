# node: c2
kill -CONT $(ss -ltnpH 'sport = :80' | sed 's/.*pid=\([0-9]*\).*/\1/')
