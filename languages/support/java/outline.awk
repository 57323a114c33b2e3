# Prints what javac and java want to know of source files, one line for each that is not empty:
# its package, its public type, and the type that has the method main; "-" for what it does not have.
#
# Comments and strings are left out word by word, and braces counted: only what stands at the top counts. It need not
# be right about code that does not compile anyway.

function finish() {
    if (file != "") print package, public_type, main_type
}

function start() {
    finish()
    file = FILENAME
    package = public_type = main_type = "-"
    type = word_before = comment = text_block = declares_package = is_public = depth = 0
}

# Called for each name and each of { } ; ( outside of comments and strings.
function take(word) {
    if (word == "{") {
        depth++
    } else if (word == "}") {
        depth--
    }
    if (declares_package && word == ";") {
        declares_package = 0
    } else if (declares_package) {
        package = (package == "-" ? "" : package) word
    } else if (depth == 0 && (word == ";" || word == "}")) {
        is_public = 0
    } else if (depth == 0 && word == "package" && package == "-" && type == 0) {
        declares_package = 1
    } else if (depth == 0 && word == "public") {
        is_public = 1
    } else if (depth == 0 && word_before ~ /^(class|interface|enum|record)$/ && word ~ /^[A-Za-z_$\200-\377]/) {
        type = word
        if (is_public) public_type = word
        word_before = ""
        return
    } else if (word == "(" && word_before == "main" && word_before_that == "void" && main_type == "-") {
        # Newer versions of Java take a main that stands outside of all types as part of one named like the file.
        if (depth == 1) main_type = type
        else if (depth == 0) { main_type = file; sub(/.*\//, "", main_type); sub(/\.java$/, "", main_type) }
    }
    word_before_that = word_before
    word_before = word
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
        } else if (match(rest, /\/\*|\/\/|"""|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|[A-Za-z_$\200-\377][A-Za-z0-9_$\200-\377]*|[{};(.]/)) {
            word = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            if (word == "//") next
            if (word == "/*") comment = 1
            else if (word == "\"\"\"") text_block = 1
            else if (word == "." && !declares_package) word_before = ""
            else if (word !~ /^["']/) take(word)
        } else {
            next
        }
    }
}

END { finish() }
