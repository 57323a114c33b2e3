print "all work and no play\n" while 1;
