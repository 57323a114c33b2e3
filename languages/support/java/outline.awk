# Prints what javac and java want to know of source files: for each that is not empty a line
#
#     file PACKAGE FIRST_TYPE PUBLIC_TYPE
#
# with "-" for what it does not have, and for each method main with a body a line
#
#     main RANK CLASS
#
# The lowest rank is the one to run: 1 is what every version of Java starts, 2 the same in a type inside of another,
# 3 and 4 are what newer versions start besides.
#
# Comments and strings are left out word by word, and braces counted. What stands between parentheses is only read for
# main's own parameters. It need not be right about code that does not compile anyway.

function finish() {
    if (file != "") print "file", package, first_type, public_type
}

function start() {
    finish()
    file = FILENAME
    package = first_type = public_type = "-"
    comment = text_block = declares_package = depth = parentheses = 0
    header = word_before = word_before_that = parameters = modifiers = ""
    reads_parameters = after_parameters = 0
}

function qualified(name) {
    return package == "-" ? name : package "." name
}

# The type whose members are declared at this depth; "" in methods and other blocks.
function enclosing() {
    return depth == 0 ? "" : type[depth]
}

function open_brace() {
    if (after_parameters) found_main()
    depth++
    type[depth] = ""
    if (header != "" && (depth == 1 || type[depth - 1] != "")) {
        type[depth] = depth == 1 ? header : type[depth - 1] "$" header
        is_interface[depth] = header_is_interface
    }
}

# What stands before the body of main says who can start it.
function found_main(    rank, arguments) {
    after_parameters = 0
    if (depth > 0 && type[depth] == "") return
    if (depth == 0 && package != "-") return
    gsub(/@ [^ .]+( \. [^ .]+)* /, "", parameters)
    gsub(/(^| )final /, " ", parameters)
    sub(/^ +/, "", parameters)
    sub(/^java \. lang \. /, "", parameters)
    arguments = parameters ~ /^String (\[ \] [^ ]+|\. \. \. [^ ]+|[^ ]+ \[ \]) $/
    if (!arguments && parameters != "") return
    if (modifiers ~ / private /) return
    if (depth == 0) {
        # It belongs to a class that is named like the file.
        rank = file
        sub(/.*\//, "", rank)
        sub(/\.java$/, "", rank)
        print "main", arguments ? 3 : 4, rank
        return
    }
    if (!arguments) rank = 4
    else if (modifiers ~ / static / && (modifiers ~ / public / || is_interface[depth])) rank = depth == 1 ? 1 : 2
    else rank = 3
    if (rank > 2 && (depth > 1 || is_interface[depth] && modifiers !~ / static /)) return
    print "main", rank, qualified(type[depth])
}

# Called for each name and each sign of { } ; ( ) [ ] . @ < > outside of comments and strings.
function take(word) {
    if (word == "(") {
        parentheses++
        if (parentheses == 1 && word_before == "main" && word_before_that == "void" &&
            (depth == 0 || enclosing() != "")) {
            reads_parameters = 1
            parameters = ""
            return
        }
    } else if (word == ")") {
        if (parentheses > 0) parentheses--
        if (parentheses == 0 && reads_parameters) {
            reads_parameters = 0
            after_parameters = 1
        }
        return
    }
    if (parentheses > 0) {
        # An annotation of a parameter may have parentheses of its own.
        if (reads_parameters && parentheses == 1) parameters = parameters word " "
        return
    }
    if (declares_package) {
        if (word == ";") declares_package = 0
        else package = (package == "-" ? "" : package) word
        return
    }
    if (word == "{" || word == "}" || word == ";") {
        if (word == "{") open_brace()
        else if (word == "}" && depth > 0) depth--
        after_parameters = 0
        modifiers = header = word_before = word_before_that = ""
        return
    }
    if (depth == 0 && word == "package" && package == "-" && first_type == "-") {
        declares_package = 1
    } else if (word_before ~ /^(class|interface|enum|record)$/ && word ~ /^[A-Za-z_$\200-\377]/ && header == "") {
        header = word
        header_is_interface = word_before == "interface"
        if (depth == 0) {
            if (first_type == "-") first_type = word
            if (modifiers ~ / public /) public_type = word
        }
    } else {
        modifiers = modifiers " " word " "
    }
    word_before_that = word_before
    # As in Main.class
    word_before = word_before == "." ? "" : word
}

FNR == 1 { start() }

{
    rest = $0
    while (rest != "") {
        if (comment) {
            end = index(rest, "*/")
            if (!end) next
            rest = substr(rest, end + 2)
            comment = 0
        } else if (text_block) {
            if (!match(rest, /\\.|"""/)) next
            if (substr(rest, RSTART, 1) != "\\") text_block = 0
            rest = substr(rest, RSTART + RLENGTH)
        } else if (match(rest, /\/\*|\/\/|"""|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|[A-Za-z_$\200-\377][A-Za-z0-9_$\200-\377]*|[][{};().@<>]/)) {
            word = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            if (word == "//") next
            if (word == "/*") comment = 1
            else if (word == "\"\"\"") text_block = 1
            else if (word !~ /^["']/) take(word)
        } else {
            next
        }
    }
}

END { finish() }
