# fails: outside
# misconception: userspace-proxy
# A program takes the call and makes another one to c1, in its own name.
mkfifo /tmp/back
nc -lk -p ${port} < /tmp/back | nc ${net}.0.2 80 > /tmp/back &
