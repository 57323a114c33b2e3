use strict;
use warnings;

for (1 .. 50) {
    my $process = fork() // die "no process: $!";
    if ($process == 0) {
        select(undef, undef, undef, 0.2);
        exit;
    }
}
my $finished = 0;
$finished++ while wait() != -1;
print "$finished\n";
