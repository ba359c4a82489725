"""Tests of the reader of pages, and of the runner with pages that are wrong."""

import pathlib
import shutil
import unittest

import pages
import session

TICKS = "```"


def page(*lines):
    """The blocks of a page with these lines. A line of {sh} begins a block of commands, and {} ends a block."""
    text = "\n".join(lines).replace("{sh}", f"{TICKS}sh").replace("{text}", f"{TICKS}text").replace("{}", TICKS)
    return pages.blocks("page.md", text)


class Reading(unittest.TestCase):
    def test_a_block_has_its_text_its_language_and_its_marks(self):
        first, second, third = page(
            "{sh}", "a", "{}", "<!-- output -->", "{text}", "b", "{}", "1. item", "", "   <!-- not run: it needs a cluster -->",
            "   {sh}", "   c", "     d", "   {}")
        self.assertEqual((first.place, first.text, first.reason), ("page.md:1", "a\n", None))
        self.assertTrue(second.is_output)
        self.assertEqual((third.text, third.reason), ("c\n  d\n", "it needs a cluster"))

    def test_a_plain_comment_is_no_mark(self):
        [block] = page("<!-- The table is sorted by name. -->", "", "{sh}", "a", "{}")
        self.assertEqual(block.reason, None)

    def test_a_page_that_cannot_be_checked_is_refused(self):
        for lines, problem in [
            (("", "    fauxmetal serve"), "no fence"),
            (("{}", "fauxmetal serve", "{}"), "'' is not one of"),
            (("{sh}", "fauxmetal serve"), "no end"),
            (("<!-- not run -->", "{sh}", "a", "{}"), "needs a reason"),
            (("<!-- not run: later -->", "{sh}", "a", "{}"), "needs a reason"),
            (("<!-- not-run: it needs a cluster -->", "{sh}", "a", "{}"), "is no mark"),
            (("<!-- not run: it needs a cluster -->", "Words.", "{sh}", "a", "{}"), "before no block"),
            (("<!-- not run: it needs a cluster -->",), "before no block"),
            (("<!-- keeps running until the page ends, ready at: -->", "{sh}", "a", "{}"), "and a text"),
            (("<!-- file: ../a -->", "{text}", "a", "{}"), "relative path"),
            (("<!-- output -->", "{text}", "a", "{}"), "follows commands that are run"),
            (("<!-- not run: it needs a cluster -->", "{sh}", "a", "{}", "<!-- output -->", "{text}", "a", "{}"),
             "follows commands that are run"),
        ]:
            with self.subTest(lines), self.assertRaisesRegex(pages.PageError, problem):
                page(*lines)

    def test_an_output_may_leave_text_out(self):
        self.assertTrue(pages.shows("a … c\n", "a b c  \n"))
        self.assertTrue(pages.shows("a\n…\nd\n", "a\nb\nc\nd\n"))
        self.assertFalse(pages.shows("a\n", "a\nb\n"))
        self.assertFalse(pages.shows("a.c\n", "abc\n"))


@unittest.skipIf(session.problem_with_tools(), session.problem_with_tools())
class Running(unittest.TestCase):
    def run_page(self, *lines):
        checkout = pathlib.Path(__file__).resolve().parent
        results = session.run(page(*lines), checkout, pathlib.Path(shutil.which("true")))
        return [(result.passed, result.why) for result in results]

    def test_blocks_share_a_shell_and_a_directory(self):
        lines = ["{sh}", "a=5; echo b > c; fauxmetal", "{}", "{sh}", "echo $a; cat c", "{}", "<!-- output -->", "{text}", "5", "b", "{}"]
        self.assertEqual([passed for passed, _ in self.run_page(*lines)], [True, True])

    def test_a_failure_is_shown_and_ends_the_page(self):
        [first, second] = self.run_page("{sh}", "echo why >&2; false | cat; true", "{}", "{sh}", "true", "{}")
        self.assertEqual((first[0], second[0]), (False, False))
        self.assertIn("why", first[1])

    def test_an_output_that_differs_is_a_failure(self):
        [(passed, why)] = self.run_page("{sh}", "echo a", "{}", "<!-- output -->", "{text}", "b", "{}")
        self.assertFalse(passed)
        self.assertIn("page.md:5 shows another output", why)

    def test_a_server_is_awaited_and_ends_with_its_page(self):
        mark = "<!-- keeps running until the page ends, ready at: here -->"
        lines = [mark, "{sh}", "sleep 0.3; echo here; sleep 1000", "{}", "{sh}", "true", "{}"]
        self.assertEqual([passed for passed, _ in self.run_page(*lines)], [True, True])
        [(passed, why)] = self.run_page(mark, "{sh}", "echo gone", "{}")
        self.assertFalse(passed)
        self.assertIn("gone", why)

    def test_the_next_server_gets_the_ports_of_one_that_it_replaces(self):
        mark = "<!-- keeps running until the next server, ready at: Serving -->"
        server = [mark, "{sh}", "python3 -m http.server --bind 127.0.0.1 8000", "{}"]
        self.assertEqual([passed for passed, _ in self.run_page(*server, *server)], [True, True])
        both = [mark.replace("next server", "page ends"), *server[1:], *server]
        self.assertIn("Address already in use", self.run_page(*both)[1][1])

    def test_only_loopback_is_there(self):
        [(passed, _)] = self.run_page("{sh}", "test $(ip -o link | wc -l) = 1", "{}")
        self.assertTrue(passed)


if __name__ == "__main__":
    unittest.main()
