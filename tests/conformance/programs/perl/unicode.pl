use strict;
use warnings;
use utf8;
use open ':std', ':encoding(UTF-8)';

my $größe = "Grüße, 世界 🦀";
print "$größe\n";
chomp(my $line = <STDIN>);
print scalar reverse($line), "\n";
