ip addr del ${net}.0.1/16 dev docker0
