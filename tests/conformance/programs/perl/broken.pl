use strict;
use warnings;

my $sum = 1 + 2;
print $summ, "\n";
