# Runs in every Ruby program before its first line.

# Into a pipe Ruby writes blocks, and what is still in the block when the program is killed is lost.
$stdout.sync = true

# RubyGems would have loaded these: they point at the wrong part of a line, and propose the name that was meant.
require "error_highlight"
require "did_you_mean"

# RubyGems takes 35 ms, so it is loaded when a program first needs it: with its own name, with `gem`, or because what it
# requires is not found without it, such as prime or minitest. It then replaces both methods by its own.
Object.autoload(:Gem, "/opt/runbay/ruby/gems.rb")

# In traces they are no part of the program, as those of RubyGems are not.
Kernel.module_eval(<<~'RUBY', "<internal:start>")
  # RubyGems keeps Ruby's own method under this name, and takes the one that is there already.
  alias gem_original_require require

  def require(name)
    name = File.path(name)
    # These are found without it, but do not work.
    Gem.itself if name.start_with?("bundler", "rubygems") && Object.autoload?(:Gem)
    begin
      return gem_original_require(name)
    rescue LoadError => error
      raise unless Object.autoload?(:Gem) && error.path == name
    end
    trace = caller
    Gem.itself
    begin
      require(name)
    rescue LoadError => again
      raise unless again.path == name
      error.set_backtrace(trace)
      raise error, cause: nil
    end
  end

  def gem(...)
    Gem.itself
    gem(...)
  end

  private :gem_original_require, :require, :gem
RUBY
