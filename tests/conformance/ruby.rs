//! Ruby: what comes with it as gems works, although RubyGems is not loaded at the start.

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::run;

#[tokio::test(flavor = "multi_thread")]
async fn gems_that_come_with_ruby_are_there() {
    let host = Host::of("ruby").await;
    for (code, printed) in [
        ("require \"prime\"\n\nputs Prime.first(4).inspect\n", "[2, 3, 5, 7]\n"),
        ("puts Gem::Version.new(\"1.10\") > Gem::Version.new(\"1.9\")\n", "true\n"),
        ("require 'matrix'\nputs Matrix[[1, 2], [3, 4]].det\n", "-2\n"),
        ("require 'rexml/document'\nputs REXML::Document.new('<a/>').root.name\n", "a\n"),
        ("require 'rubygems'\nrequire 'rubygems/version'\nputs Gem::Version.new('2')\n", "2\n"),
        ("gem 'prime'\nputs Gem.loaded_specs.key?('prime')\n", "true\n"),
        ("autoload :Prime, 'prime'\nputs Prime.prime?(7)\n", "true\n"),
        (
            "puts defined?(Gem), respond_to?(:gem, true), respond_to?(:require), require('json'), require('json')\n",
            "constant\ntrue\nfalse\ntrue\nfalse\n",
        ),
    ] {
        assert_prints(&host, "ruby", &[("main.rb", code)], printed).await;
    }
    for (code, printed) in [
        (
            "require 'minitest/autorun'\nclass T < Minitest::Test\n  def test_sum = assert_equal(2, 1 + 1)\nend\n",
            "1 runs, 1 assertions, 0 failures, 0 errors, 0 skips",
        ),
        (
            "require 'test/unit'\nclass T < Test::Unit::TestCase\n  def test_sum = assert_equal(2, 1 + 1)\nend\n",
            "1 tests, 1 assertions, 0 failures, 0 errors",
        ),
    ] {
        let (verdict, outcome) = run(&host, "ruby", &[("main.rb", code)]).await;
        let said = String::from_utf8_lossy(&outcome.output.stdout);
        assert!(verdict == Verdict::Completed && said.contains(printed), "{outcome:#?}");
        assert_eq!(outcome.output.stderr, b"", "{outcome:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_needs_no_gems_starts_without_them() {
    let host = Host::of("ruby").await;
    let code = "require 'json'\nrequire 'set'\nrequire 'date'\nputs Object.autoload?(:Gem).nil?\n";
    assert_prints(&host, "ruby", &[("main.rb", code)], "false\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_in_rubys_words() {
    let host = Host::of("ruby").await;
    let (verdict, outcome) = run(&host, "ruby", &[("main.rb", "require 'nope'\n")]).await;
    assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError));
    let said = String::from_utf8_lossy(&outcome.output.stderr);
    assert_eq!(said, "main.rb:1:in `<main>': cannot load such file -- nope (LoadError)\n");
    // A file of the program that requires it is not to blame.
    let code = "begin\n  require './part'\nrescue LoadError => error\n  p error.path, error.cause\nend\n";
    let files = [("main.rb", code), ("part.rb", "require 'nope'\n")];
    assert_prints(&host, "ruby", &files, "\"nope\"\nnil\n").await;
}
