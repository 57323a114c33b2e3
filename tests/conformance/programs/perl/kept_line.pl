print "before the loop\n";
1 while 1;
