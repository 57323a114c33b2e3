# Runs in every Bash program before its first line.

# A function that calls itself without end takes more and more time for each call, and crashes in the end. With a
# number Bash says what is wrong, and where. A program that comes this far needs the usual CPU time to come back.
: "${FUNCNEST:=6000}"

# The program and what it starts find everything as it would be without this file.
unset BASH_ENV
: "$BASH"
