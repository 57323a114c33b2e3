no warnings 'recursion';

sub dig {
    my $depth = shift;
    return dig($depth + 1) + 1;
}

print dig(0), "\n";
