# Copies of SQL scripts for sqlite3 in which commands tell the reader of its output what they change.
#
# One line of a copy stands for one line of the script, so that sqlite3's errors name the right one.
package Script;
use strict;
use warnings;

my $directory = '/tmp/.runbay-sql';
# Scripts that read each other could be copied for ever.
my $most_copies = 100;

# Sorts the tokens of SQL and says what state each leads to, as sqlite3 does it to find the end of a statement. The
# states: between statements, inside of one, after EXPLAIN, after CREATE, in a trigger, after a semicolon of a trigger,
# after END behind that.
my %kind = (';' => 0, explain => 1, create => 2, temp => 3, temporary => 3, trigger => 4, end => 5);
my $other = 6;
my @next_state = (
    [0, 2, 3, 1, 1, 1, 1],
    [0, 1, 1, 1, 1, 1, 1],
    [0, 1, 3, 2, 1, 1, 1],
    [0, 1, 1, 3, 4, 1, 1],
    [5, 4, 4, 4, 4, 4, 4],
    [5, 4, 4, 4, 4, 6, 4],
    [0, 4, 4, 4, 4, 4, 4],
);

# Lines that start with `mark` are for the reader of the output, and nothing that a script prints by chance.
sub new {
    my ($class, $mark) = @_;
    mkdir $directory;
    return bless {
        mark => $mark,
        copies => 0,
        commands => {},
        # What the script has said so far, in the order in which sqlite3 will read it.
        in_columns => 1,
        headers_said => undef,
        headers_by_mode => 0,
        null_said => 0,
        followed => 1,
    }, $class;
}

# Returns the path of a copy of the script `path`. None if there is no such file.
sub copy {
    my ($self, $path) = @_;
    return undef if !-f $path || $self->{copies} >= $most_copies;
    open my $script, '<:raw', $path or return undef;
    my $copy = "$directory/script-" . $self->{copies}++;
    my ($text, $state, $quote) = ('', 0, '');
    while (defined(my $line = <$script>)) {
        $line =~ s/\r?\n\z//;
        my $is_between = $state == 0 && $quote eq '';
        if ($is_between && $line =~ /^\./) {
            $text .= $self->command($line) . "\n";
            next;
        }
        $text .= "$line\n";
        next if $is_between && $line =~ /^#/;
        if ($quote eq '' && $next_state[$state][0] == 0 && $line =~ m{^\s*(?:/|go)\s*$}i) {
            $state = 0;
            next;
        }
        ($state, $quote) = after($line, $state, $quote);
    }
    write_file($copy, $text);
    return $copy;
}

# Returns the state after a line, and what ends the string or comment that is open then.
sub after {
    my ($line, $state, $quote) = @_;
    pos($line) = 0;
    while (pos $line < length $line) {
        if ($quote ne '') {
            last if $line !~ /\G.*?\Q$quote\E/gc;
            $quote = '';
        } elsif ($line =~ /\G(?:\s+|--.*)/gc) {
            next;
        } elsif ($line =~ m{\G/\*}gc) {
            $quote = '*/';
        } elsif ($line =~ /\G(["'`\[])/gc) {
            $quote = $1 eq '[' ? ']' : $1;
            $state = $next_state[$state][$other];
        } elsif ($line =~ /\G([\w\$\x80-\xff]+|.)/gcs) {
            $state = $next_state[$state][$kind{lc $1} // $other];
        }
    }
    return ($state, $quote);
}

# Returns what sqlite3 gets for a line that starts with a dot.
sub command {
    my ($self, $line) = @_;
    my $mark = $self->{mark};
    my ($name, $rest) = $line =~ /^\.([a-z]+)(?:\s+(.*?))?[\s;]*$/;
    return $line if !$self->{followed} || !defined $name;
    $rest //= '';
    # In a file of their own these would end nothing else.
    return $line if is_short_for($name, 'quit', 1) || is_short_for($name, 'exit', 2);
    return $self->read_command($line, $rest) if is_short_for($name, 'read', 3);
    return $self->mode_command($line, $rest) if is_short_for($name, 'mode', 1);
    if ($name =~ /^(?:check|echo|excel|o(?!p).*|sta.*|testcase|trace|w)$/) {
        $self->{followed} = 0;
        return $self->in_one_line("$mark-raw", '.stats off', $line);
    }
    if (is_short_for($name, 'headers', 4) && $rest =~ /(\w+)/) {
        $self->{headers_said} = $1 =~ /^(?:on|yes|true|0*[1-9]\d*)$/i ? 1 : 0;
        return $line if !$self->{in_columns};
        return $self->in_one_line($line, "$mark-columns $self->{headers_said}");
    }
    $self->{null_said} = 1 if is_short_for($name, 'nullvalue', 2);
    return $line if !$self->{in_columns};
    return ".print $mark $rest" if is_short_for($name, 'print', 3) && $rest ne '';
    # What else a command prints must not be taken for a result.
    return $self->in_one_line($line, $mark);
}

sub read_command {
    my ($self, $line, $rest) = @_;
    my ($path) = grep { defined } $rest =~ /^(?:"([^"\\]*)"|'([^']*)'|([^\s"'|]\S*))$/;
    my $copy = defined $path ? $self->copy($path) : undef;
    return defined $copy ? ".read $copy" : $line;
}

sub mode_command {
    my ($self, $line, $rest) = @_;
    my ($mode) = grep { !/^-/ } split ' ', $rest =~ s/--?(?:wrap|wordwrap)\s+\S+//gr =~ tr/"'//dr;
    return $self->{in_columns} ? $self->in_one_line($line, $self->{mark}) : $line if !defined $mode;
    $self->{in_columns} = is_short_for($mode, 'columns', 1);
    # From here on as if sqlite3 had been started as usual: headers come with some modes, and NULL is empty.
    $self->{headers_by_mode} ||= $self->{in_columns} || $mode =~ /^(?:box|qbox|table|markdown)$/;
    my @settings;
    push @settings, $self->{headers_by_mode} ? '.headers on' : '.headers off' if !defined $self->{headers_said};
    push @settings, $self->{in_columns} ? '.nullvalue NULL' : '.nullvalue ""' if !$self->{null_said};
    return $self->in_one_line("$self->{mark}-own", '.stats off', @settings, $line) if !$self->{in_columns};
    my $headers = $self->{headers_said} // 1;
    return $self->in_one_line(@settings, $line, "$self->{mark}-columns $headers", '.stats stmt');
}

# Returns the command that does what these do. What starts with the mark is printed.
sub in_one_line {
    my ($self, @commands) = @_;
    my $text = join '', map { /^\./ ? "$_\n" : ".print $_\n" } @commands;
    my $commands = $self->{commands};
    if (!exists $commands->{$text}) {
        $commands->{$text} = "$directory/command-" . keys %$commands;
        write_file($commands->{$text}, $text);
    }
    return ".read $commands->{$text}";
}

# Commands and modes may be shortened.
sub is_short_for {
    my ($word, $name, $least) = @_;
    return length $word >= $least && index($name, $word) == 0;
}

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "cannot write $path: $!\n";
    print $file $text;
    close $file or die "cannot write $path: $!\n";
}

1;
