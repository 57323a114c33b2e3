# Runs in every Ruby program before its first line.

# Into a pipe Ruby writes blocks, and what is still in the block when the program is killed is lost.
$stdout.sync = true

# RubyGems would have loaded these: they point at the wrong part of a line, and propose the name that was meant.
require "error_highlight"
require "did_you_mean"
