"""The reader of a configuration file: what it returns, and how it says what is wrong."""

from __future__ import annotations

import os
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tvmon.problems import ConfigError, shown_value
from tvmon.settings import Section

ENVIRON = {"NAME": "value", "EMPTY": "", "LINES": "a\nb", "DOLLAR": "${NAME}"}


def problems(text: str, *reads: Callable[[Section], object]) -> list[str]:
    """What is wrong with a file after these reads, a line each, without the file's name."""
    top = Section.of(text, "f", ENVIRON)
    for read in reads:
        read(top)
    try:
        top.finish()
    except ConfigError as error:
        return [line.removeprefix("f: ") for line in str(error).splitlines()]
    return []


def text_of(text: str) -> str:
    top = Section.of(f"key = '{text}'", "f", ENVIRON)
    value = top.text("key")
    top.finish()
    return value


class TextTests(unittest.TestCase):
    """Texts, and what is taken from the environment."""

    def test_a_text_is_as_it_stands_there(self) -> None:
        self.assertEqual(text_of("plain"), "plain")

    def test_a_variable_is_replaced_wherever_it_stands(self) -> None:
        self.assertEqual(text_of("a ${NAME}, ${NAME}"), "a value, value")

    def test_what_a_variable_holds_is_not_replaced_again(self) -> None:
        self.assertEqual(text_of("${DOLLAR}"), "${NAME}")

    def test_two_dollars_are_one(self) -> None:
        self.assertEqual(text_of("$$5, $${NAME}, $$$$"), "$5, ${NAME}, $$")

    def test_a_lone_dollar_is_a_problem(self) -> None:
        for text in ("cash$", "$NAME", "${NAME", "${}", "${a b}", "${1}", "$$$"):
            with self.subTest(text):
                [line] = problems(f"key = '{text}'", lambda top: top.text("key"))
                self.assertIn("has a lone $", line)

    def test_a_missing_variable_is_named(self) -> None:
        [line] = problems("key = '${A}-${B}-${A}'", lambda top: top.text("key"))
        self.assertEqual(line, 'key = "${A}-${B}-${A}": the environment has no A and no B')

    def test_an_empty_text_is_a_problem_wherever_it_comes_from(self) -> None:
        for text in ("", "  ", "${EMPTY}"):
            with self.subTest(text):
                [line] = problems(f"key = '{text}'", lambda top: top.text("key", "default"))
                self.assertIn("must not be empty", line)

    def test_control_characters_are_a_problem_wherever_they_come_from(self) -> None:
        for text in ("'${LINES}'", r'"a\nb"', r'"\u0000"', r'"\u2028"'):
            with self.subTest(text):
                [line] = problems(f"key = {text}", lambda top: top.text("key"))
                self.assertIn("must be on one line", line)
                self.assertEqual(len(line.splitlines()), 1)

    def test_what_is_no_text_is_a_problem(self) -> None:
        for value in ("3", "true", "[1]", "{a = 1}", "2026-11-22", "1.5"):
            with self.subTest(value):
                [line] = problems(f"key = {value}", lambda top: top.text("key"))
                self.assertIn("must be a text, in quotes", line)

    def test_a_text_without_a_default_must_be_there(self) -> None:
        self.assertEqual(problems("", lambda top: top.text("key")), ["key: is missing"])
        self.assertEqual(problems("", lambda top: top.text("key", "x")), [])
        self.assertEqual(problems("", lambda top: top.maybe_text("key")), [])

    def test_a_check_has_the_last_word(self) -> None:
        def read(top: Section) -> object:
            return top.text("key", check=lambda text: None if text == "a" else "must be a")

        self.assertEqual(problems("key = 'a'", read), [])
        self.assertEqual(problems("key = 'b'", read), ['key = "b": must be a'])
        self.assertEqual(problems("", read), ["key: is missing, must be a"])

    @given(st.text())
    def test_any_text_is_read_or_refused_in_one_line(self, text: str) -> None:
        top = Section(Section.of("", "f", {})._problems, {}, {"key": text})
        value = top.text("key")
        try:
            top.finish()
        except ConfigError as error:
            self.assertEqual(len(str(error).splitlines()), 1)
        else:
            self.assertEqual(value, text.replace("$$", "$"))


class SecretTests(unittest.TestCase):
    """No problem shows what nobody may see."""

    def test_a_secret_is_not_shown(self) -> None:
        for value in ("'geheim$'", "['geheim']", "12345", r'"geheim\n"'):
            with self.subTest(value):
                [line] = problems(f"key = {value}", lambda top: top.text("key", secret=True))
                self.assertNotIn("geheim", line)
                self.assertNotIn("12345", line)

    def test_what_the_environment_holds_is_not_shown(self) -> None:
        [line] = problems("key = '${NAME}'", lambda top: top.choice("key", ("a", "b")))
        self.assertEqual(line, 'key = "${NAME}": must be a or b')

    def test_the_value_of_an_unknown_key_is_not_shown(self) -> None:
        [line] = problems("tokn = 'geheim'", lambda top: top.maybe_text("token"))
        self.assertEqual(line, "tokn: unknown key; did you mean token? known are token")

    def test_a_url_is_shown_without_its_secrets(self) -> None:
        shown = shown_value("http://user:geheim@host/path?token=geheim#geheim")
        self.assertEqual(shown, '"http://...@host/path?..."')
        self.assertEqual(shown_value("http://host:80/path"), '"http://host:80/path"')

    def test_what_is_hardly_a_url_is_shown_without_its_secrets(self) -> None:
        for text, shown in (
            ("10.0.0.1/api?user_key=geheim", "10.0.0.1/api?..."),
            ("10.0.0.1/api#geheim", "10.0.0.1/api#..."),
            ("http:/admin:geheim@10.0.0.1/api", "http:/...@10.0.0.1/api"),
            ("http:admin:geheim@10.0.0.1/api", "...@10.0.0.1/api"),
            ("admin:geheim@10.0.0.1/api", "...@10.0.0.1/api"),
            ("//admin:geheim@10.0.0.1/api", "//...@10.0.0.1/api"),
            ("http://admin:ge@he/im@10.0.0.1/api", "http://...@10.0.0.1/api"),
            ("http://admin:geheim?geheim@10.0.0.1/api", "http://...?..."),
            ("http://geheim@10.0.0.1/api?a=b@geheim", "http://...@10.0.0.1/api?..."),
            ("see http://:geheim@h, or //x/?geheim", "...@h, or //x/?..."),
            ("tcp:8080", "tcp:8080"),
            ("what?", "what?"),
        ):
            with self.subTest(text):
                self.assertEqual(shown_value(text), f'"{shown}"')


class NumberTests(unittest.TestCase):
    """Numbers within bounds."""

    def number(self, value: str) -> tuple[float, list[str]]:
        found: list[float] = []

        def read(top: Section) -> None:
            found.append(top.number("key", 3.0, unit="seconds", least=0.5, most=60))

        lines = problems(f"key = {value}" if value else "", read)
        return found[0], lines

    def test_a_number_within_bounds_is_taken(self) -> None:
        for value, expected in (("0.5", 0.5), ("60", 60.0), ("", 3.0), ("1e1", 10.0)):
            with self.subTest(value):
                number, lines = self.number(value)
                self.assertEqual((number, lines), (expected, []))
                self.assertIsInstance(number, float)

    def test_anything_else_is_a_problem_and_gives_the_default(self) -> None:
        for value in ("0.4", "61", "nan", "inf", "-inf", "true", "[3]", "0x" + "f" * 6000):
            with self.subTest(value[:20]):
                number, [line] = self.number(value)
                self.assertEqual(number, 3.0)
                self.assertIn(": must be a number of seconds, 0.5 to 60", line)
                self.assertLess(len(line), 120)

    def test_a_number_in_quotes_is_told_so(self) -> None:
        _, [line] = self.number("'3'")
        self.assertEqual(line, 'key = "3": must be a number of seconds, 0.5 to 60, without quotes')

    def test_a_whole_number_has_no_fraction(self) -> None:
        def read(top: Section) -> object:
            return top.whole("key", 7, unit="bytes", least=1, most=67108864)

        self.assertEqual(problems("key = 5", read), [])
        [line] = problems("key = 5.0", read)
        self.assertEqual(line, "key = 5.0: must be a whole number of bytes, 1 to 67108864")

    def test_a_number_without_a_default_must_be_there(self) -> None:
        [line] = problems("", lambda top: top.whole("key", unit="bytes", least=1, most=2))
        self.assertEqual(line, "key: is missing, must be a whole number of bytes, 1 to 2")


class OtherTests(unittest.TestCase):
    """Flags, choices, lists and tables."""

    def test_a_flag(self) -> None:
        self.assertEqual(problems("key = true", lambda top: top.flag("key", default=False)), [])
        for value in ("1", "'true'", "[]"):
            [line] = problems(f"key = {value}", lambda top: top.flag("key", default=False))
            self.assertIn("must be true or false, without quotes", line)

    def test_a_choice_names_the_choices_and_the_nearest(self) -> None:
        def read(top: Section) -> object:
            return top.choice("key", ("debug", "info", "warn"), "info")

        self.assertEqual(problems("key = 'warn'", read), [])
        [line] = problems("key = 'inof'", read)
        self.assertEqual(line, 'key = "inof": must be debug, info or warn; did you mean info?')

    def test_a_list_of_texts(self) -> None:
        self.assertEqual(Section.of("", "f", {}).texts("key", ("d",)), ("d",))
        self.assertEqual(Section.of("key = ['a', 'b']", "f", {}).texts("key"), ("a", "b"))
        self.assertEqual(
            problems("key = ['long long', 3, 'a', 'a']", lambda top: top.texts("key", check=short)),
            [
                'key[1] = "long long": must be short',
                "key[2] = 3: must be a text, in quotes",
                'key[4] = "a": is there twice; once is enough',
            ],
        )
        for value in ("[]", "'a'", "3"):
            [line] = problems(f"key = {value}", lambda top: top.texts("key"))
            self.assertIn("must be a list of texts, at least one", line)

    def test_a_table_that_is_none(self) -> None:
        [line] = problems("web = 3", lambda top: top.table("web").text("listen", "x"))
        self.assertEqual(line, "web = 3: must be a table, which begins with [web]")

    def test_tables_that_are_none(self) -> None:
        for text in ("[server]\na = 1", "server = 3", "server = [1]"):
            [line] = problems(text, lambda top: top.tables("server"))
            self.assertIn(": must be tables, each of which begins with [[server]]", line)

    def test_a_key_of_a_table_in_a_list_is_named_from_one(self) -> None:
        def read(top: Section) -> None:
            for server in top.tables("server"):
                server.text("name")
                for extra in server.tables("extra"):
                    extra.text("url")

        text = "[[server]]\nname = 'a'\n[[server.extra]]\nurl = 'u'\n[[server.extra]]\n[[server]]\n"
        self.assertEqual(
            problems(text, read),
            ["server[1].extra[2].url: is missing", "server[2].name: is missing"],
        )

    def test_problems_come_in_the_order_of_the_file(self) -> None:
        def read(top: Section) -> None:
            top.text("c")
            top.text("a")
            top.table("t").text("x")
            top.text("b")

        text = "a = 1\nb = 1\nzzz = 1\n[t]\nyyy = 1\n"
        keys = [line.partition(" ")[0].strip(":") for line in problems(text, read)]
        self.assertEqual(keys, ["a", "b", "zzz", "t.yyy", "t.x", "c"])

    def test_odd_keys_are_quoted(self) -> None:
        self.assertIn('"a[b": unknown key', problems("'a[b' = 1")[0])
        self.assertIn('"\N{REPLACEMENT CHARACTER}": unknown', problems(r'"\n" = 1')[0])

    def test_any_key_silences_the_unknown_ones(self) -> None:
        self.assertEqual(problems("a = 1\nb = 2", lambda top: top.any_key()), [])


class FileTests(unittest.TestCase):
    """Files that cannot be read at all have one problem."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "x.conf"

    def wrong(self, data: bytes) -> str:
        self.path.write_bytes(data)
        with self.assertRaises(ConfigError) as caught:
            Section.open(self.path, {})
        [problem] = caught.exception.problems
        self.assertEqual(problem.file, str(self.path))
        return str(problem).removeprefix(f"{self.path}: ")

    def test_a_file_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(ConfigError, "x.conf: cannot be read: No such file"):
            Section.open(self.path, {})

    def test_a_folder(self) -> None:
        with self.assertRaisesRegex(ConfigError, "cannot be read: Is a directory"):
            Section.open(self.path.parent, {})

    def test_wrong_syntax_is_told_with_its_line(self) -> None:
        self.assertEqual(self.wrong(b"a = 1\nb = \n"), "line 2, column 5: not TOML: Invalid value")
        self.assertEqual(
            self.wrong(b"a = 1\na = 2"), "line 2, the last one: not TOML: Cannot overwrite a value"
        )
        self.assertIn("too many digits", self.wrong(b"a = " + b"9" * 5000))
        self.assertIn("too deep", self.wrong(b"a = " + b"[" * 5000))

    def test_what_is_not_utf8_is_told_with_its_line(self) -> None:
        self.assertEqual(
            self.wrong(b"a = 1\nb = '\xe9'\n"),
            "line 2 is not UTF-8 text; save the file in UTF-8",
        )

    def test_a_byte_order_mark_does_no_harm(self) -> None:
        self.path.write_bytes(b"\xef\xbb\xbfa = 'x'")
        self.assertEqual(Section.open(self.path, os.environ).text("a"), "x")

    @given(st.binary(max_size=200))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        self.path.write_bytes(data)
        try:
            Section.open(self.path, {}).finish()
        except ConfigError as error:
            self.assertTrue(error.problems)


def short(text: str) -> str | None:
    return "must be short" if len(text) > 3 else None
