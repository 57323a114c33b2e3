# Loads RubyGems, see start.rb. What it replaces is nothing to warn of.
verbose, $VERBOSE = $VERBOSE, nil
require "rubygems"
$VERBOSE = verbose
