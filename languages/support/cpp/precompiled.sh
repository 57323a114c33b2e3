# Runs a C++ compiler with a precompiled header where that changes nothing but the time: sh precompiled.sh COMMAND...
#
# scripts/install-languages makes the headers. One is only used if every source includes it anyway, among includes of
# the standard library that nothing comes before, since their order does not matter. So a missing #include stays an
# error, and a macro that has to be set first is set first.

headers=/usr/local/lib/runbay/cpp

# The compiler breaks when a header was compiled for another level of optimisation.
flags= compiled_for=
read -r flags < /opt/runbay/cpp/flags
[ -r "$headers/flags" ] && read -r compiled_for < "$headers/flags"
[ "$flags" = "$compiled_for" ] || exec "$@"

header=$(LC_ALL=C awk '
    function include(name) { return $0 ~ "^[ \t]*#[ \t]*include[ \t]*<" name ">" }
    BEGIN {
        for (i = 1; i < ARGC; i++) if (ARGV[i] ~ /\.(cpp|cc|cxx|c)$/) files++; else ARGV[i] = ""
        if (!files) exit
    }
    FNR == 1 { over = 0; comment = 0 }
    over { next }
    comment { if (/\*\//) { comment = 0; if (!/\*\/[ \t\r]*$/) over = 1 } next }
    /^[ \t\r]*$/ || /^[ \t]*\/\// { next }
    /^[ \t]*\/\*/ { if (!/\*\//) comment = 1; else if (!/\*\/[ \t\r]*$/) over = 1; next }
    include("iostream") { if (!(FILENAME in streams)) { streams[FILENAME]; with_streams++ } next }
    include("bits/stdc[+][+][.]h") { if (!(FILENAME in all)) { all[FILENAME]; with_all++ } next }
    include("[a-z_./+]+") { next }
    { over = 1 }
    END { if (!files) exit; if (with_all == files) print "everything.h"; else if (with_streams == files) print "iostream.h" }
' "$@" 2>/dev/null)

if [ -n "$header" ]; then
    exec "$@" -include "$headers/$header"
fi
exec "$@"
