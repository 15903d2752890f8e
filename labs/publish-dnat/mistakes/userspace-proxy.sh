# fails: outside
# misconception: userspace-proxy
# A program takes the calls and makes new ones, in its own name.
mkfifo /tmp/back
(while true; do nc -l -p ${port} < /tmp/back | nc ${net}.0.2 80 > /tmp/back; done) &
