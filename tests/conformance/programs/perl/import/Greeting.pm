package Greeting;

sub greet {
    my $name = shift;
    return "Hello, $name!";
}

1;
