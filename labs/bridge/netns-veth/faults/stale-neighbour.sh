# The address of a card that is gone, written down for ever.
ip neigh replace ${net}.2 lladdr 02:00:5e:10:00:99 dev vc1 nud permanent
