# Marks what Perl only warns of while it checks a program: in its words warnings look like errors.
package MarkedWarnings;

$SIG{__WARN__} = sub { print STDERR 'warning: ', @_ };

1;
