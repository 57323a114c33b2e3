# Runs a checker that takes one file with each of several: sh check_each.sh PROGRAM ARGUMENT... -- FILE...

checker=
while [ "$1" != -- ]; do
    checker="$checker $1"
    shift
done
shift

code=0
for file in "$@"; do
    $checker "$file" || code=$?
done
exit "$code"
