my @hoard;
push @hoard, 'x' x 100_000 while 1;
