use strict;
use warnings;

sub fail {
    die "the flux is low";
}

fail();
