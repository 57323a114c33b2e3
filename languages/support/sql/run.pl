# Runs an SQL script with sqlite3 and makes its result sets readable: perl run.pl ENTRY
#
# sqlite3 prints no header for a result without rows, nothing between two results, and blanks at the ends of lines. So
# it is told to describe each statement after its output (.stats stmt), and what it prints is put in order here. That
# goes for columns, the mode in which a script starts; what a script prints in another mode passes as it is.
use strict;
use warnings;
use lib '/opt/runbay/sql';
use Script;

my ($entry) = @ARGV;
my $mark = sprintf 'runbay-%08x%08x', rand(2**32), rand(2**32);
my $script = Script->new($mark)->copy("./$entry") // die "cannot read $entry: $!\n";
open my $output, '-|:raw', 'sqlite3', '-batch', '-bail', '-header', '-column', '-nullvalue', 'NULL',
    '-cmd', '.stats stmt', ':memory:', ".read $script" or die "cannot start sqlite3: $!\n";
binmode STDOUT;

# How lines are read: as columns, as the script's own, or not any more because no mark will come.
my $reading = 'columns';
my $has_headers = 1;
# Whether rows came since the last statement, and whether a blank line is due before whatever comes next.
my $has_rows = 0;
my $blank_line_due = 0;
# The columns of the statement that is being described.
my $columns;
my $in_name = 0;
# One of the many lines about memory and time.
my $figure = qr/^(?=.{37}\d)(?!Column|Number of output)[A-Z][\w \/()]+: .*\n/m;
my $ready = '';

sub say_line {
    my ($line) = @_;
    $ready .= "\n" if $blank_line_due;
    $ready .= $line;
    $blank_line_due = 0;
}

sub end_statement {
    my @names = @$columns;
    undef $columns;
    if (@names && $has_headers && !$has_rows) {
        utf8::decode($_) for @names;
        for my $line (join('  ', @names), join('  ', map { '-' x length } @names)) {
            utf8::encode(my $bytes = $line);
            say_line("$bytes\n");
        }
        $has_rows = 1;
    }
    $blank_line_due = 1 if @names && $has_rows;
    $has_rows = 0;
}

# Returns whether the line belongs to the description of a statement.
sub describes {
    my ($line) = @_;
    if ($line =~ /^Number of output columns: {12}\d+$/) {
        end_statement() if $columns;
        $columns = [];
        return 1;
    }
    return 0 if !$columns;
    if ($line =~ /^(?=Column \d+ name: .{21})Column \d+ name: +(.*)$/) {
        push @$columns, $1;
        # The name of an expression is its text, which may have several lines. Only the first stands in a header.
        $in_name = 1;
    } elsif ($line =~ /^Column \d+ [a-z]+ (?:name|type): / || $line =~ $figure) {
        $in_name = 0;
    } elsif (!$in_name) {
        end_statement();
        return 0;
    }
    return 1;
}

sub take_line {
    my ($line) = @_;
    if ($reading eq 'columns' && describes($line)) {
        return;
    } elsif ($line =~ s/^\Q$mark\E//) {
        ($reading, $has_headers) = ($1, $2) if $line =~ /^-(\w+) ?([01]?)$/;
        say_line($line) if $line =~ s/^ //;
        $has_rows = 0;
    } elsif ($reading eq 'columns') {
        # These come by .timer and .changes after the rows.
        $has_rows = 1 if $line !~ /^(?:Run Time|changes): /;
        say_line($line =~ s/ +$//r);
    } else {
        say_line($line);
    }
}

sub pass_on {
    while (length $ready) {
        my $written = syswrite STDOUT, $ready;
        exit 1 if !defined $written;
        substr $ready, 0, $written, '';
    }
}

my $rest = '';
while (sysread $output, my $bytes, 65536) {
    $rest .= $bytes;
    my $start = 0;
    while ($reading ne 'raw' && (my $end = index $rest, "\n", $start) >= 0) {
        take_line(substr $rest, $start, $end + 1 - $start);
        $start = $end + 1;
        # Each statement has 30 lines of these. One by one they would take longer than the script.
        next if !$columns;
        pos($rest) = $start;
        if ($rest =~ /\G(?:$figure)+/gc) {
            $in_name = 0;
            $start = pos $rest;
        }
    }
    substr $rest, 0, $start, '';
    # A line that cannot be for this program need not wait for its end.
    if ($reading eq 'raw' || $reading eq 'own' && $rest ne '' && index($mark, substr $rest, 0, length $mark) != 0) {
        say_line($rest);
        $rest = '';
    }
    pass_on();
}
take_line($rest) if $rest ne '';
end_statement() if $columns;
pass_on();
close $output;
kill $? & 127, $$ if $? & 127;
exit $? >> 8;
