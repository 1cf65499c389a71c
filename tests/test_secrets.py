"""Secrets by value, by environment or by file: ``password`` and ``password_file``."""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tvmon.problems import ConfigError
from tvmon.settings import Check, Section
from tvmon.toml import SECRET_BYTES, secret_of
from tvmon.words import has_control_characters


class SecretCase(unittest.TestCase):
    """A configuration in a folder, and files beside it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def file(self, content: str | bytes, name: str = "secret") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, text: str, check: Check | None = None) -> tuple[str | None, list[str]]:
        """The secret, and what is wrong."""
        path = self.folder / "tvmon.conf"
        path.write_text(text)
        top = Section.open(path, {"SECRET": "from-environ", "PLACE": "folder"})
        secret = top.secret("password", check=check)
        try:
            top.finish()
        except ConfigError as error:
            return secret, [problem.removeprefix(f"{path}: ") for problem in str(error).split("\n")]
        return secret, []


class GoodTests(SecretCase):
    def test_a_value_and_one_of_the_environment(self) -> None:
        self.assertEqual(self.read("password = 'geheim'"), ("geheim", []))
        self.assertEqual(self.read("password = '${SECRET}'"), ("from-environ", []))
        self.assertEqual(self.read(""), (None, []))

    def test_a_file_with_and_without_a_line_end(self) -> None:
        for content in ("geheim", "geheim\n", "geheim\r\n"):
            self.file(content)
            self.assertEqual(self.read("password_file = 'secret'"), ("geheim", []))

    def test_what_a_file_holds_is_the_secret_as_it_is(self) -> None:
        for secret in (" with blanks ", "${SECRET}", "$$", "#", "p\u00e4ss", "a'\"b\\"):
            self.file(secret + "\n")
            self.assertEqual(self.read("password_file = 'secret'"), (secret, []))

    def test_a_relative_path_begins_at_the_folder_of_the_configuration(self) -> None:
        self.file("geheim", "below/secret")
        self.assertEqual(self.read("password_file = 'below/secret'"), ("geheim", []))
        before = Path.cwd()
        self.addCleanup(os.chdir, before)
        os.chdir("/")
        self.assertEqual(self.read("password_file = 'below/secret'"), ("geheim", []))

    def test_an_absolute_path_and_one_of_the_environment(self) -> None:
        path = self.file("geheim", "folder/secret")
        self.assertEqual(self.read(f"password_file = '{path}'"), ("geheim", []))
        self.assertEqual(self.read("password_file = '${PLACE}/secret'"), ("geheim", []))

    def test_a_table_below_begins_at_the_same_folder(self) -> None:
        self.file("geheim")
        path = self.folder / "tvmon.conf"
        path.write_text("[[server]]\npassword_file = 'secret'")
        [server] = Section.open(path, {}).tables("server")
        self.assertEqual(server.secret("password"), "geheim")


class WrongTests(SecretCase):
    def wrong(self, text: str, expected: str, check: Check | None = None) -> None:
        secret, lines = self.read(text, check)
        self.assertEqual((secret, lines), (None, [expected]))

    def test_a_file_that_cannot_be_read(self) -> None:
        words = 'password_file = "secret": cannot be read: '
        self.wrong("password_file = 'secret'", f"{words}No such file or directory")
        (self.folder / "secret").mkdir()
        self.wrong("password_file = 'secret'", f"{words}Is a directory")

    def test_a_path_that_can_be_none(self) -> None:
        _, [line] = self.read(f"password_file = '{'x' * 5000}'")
        self.assertIn("cannot be read: File name too long", line)
        _, [line] = self.read('password_file = "a\\u0000b"')
        self.assertIn("must be on one line, without control characters", line)

    def test_an_empty_file(self) -> None:
        for content in ("", "\n", "   \n"):
            self.file(content)
            self.wrong(
                "password_file = 'secret'", 'password_file = "secret": names a file that is empty'
            )

    def test_a_file_of_several_lines(self) -> None:
        words = "names a file of several lines; it must hold the secret and nothing else"
        for content in ("geheim\nmore\n", "geheim\n\n", "\ngeheim"):
            self.file(content)
            self.wrong("password_file = 'secret'", f'password_file = "secret": {words}')

    def test_a_file_that_is_no_text(self) -> None:
        self.file(b"gehe\xffim")
        self.wrong(
            "password_file = 'secret'",
            'password_file = "secret": cannot be read: it is not UTF-8 text',
        )

    def test_a_file_with_control_characters(self) -> None:
        for content in ("a\tb", "a\x00b", "a\rb"):
            self.file(content)
            self.wrong(
                "password_file = 'secret'",
                'password_file = "secret": names a file that holds control characters',
            )

    def test_a_file_that_is_too_large_is_not_read_to_its_end(self) -> None:
        self.wrong_large(Path("/dev/zero"))
        self.file("x" * (SECRET_BYTES + 1))
        self.wrong_large(self.folder / "secret")

    def wrong_large(self, path: Path) -> None:
        _, [line] = self.read(f"password_file = '{path}'")
        self.assertIn("names a file", line)

    def test_both_are_one_too_many(self) -> None:
        self.file("geheim")
        secret, lines = self.read("password = 'other'\npassword_file = 'secret'")
        self.assertEqual(secret, "other")
        self.assertEqual(lines, ['password_file = "secret": must not be there beside password'])

    def test_a_variable_that_is_not_there(self) -> None:
        _, [line] = self.read("password_file = '${NOWHERE}/secret'")
        self.assertEqual(
            line, 'password_file = "${NOWHERE}/secret": the environment has no NOWHERE'
        )

    def test_what_is_no_text(self) -> None:
        _, [line] = self.read("password_file = 7")
        self.assertIn("password_file = 7: must be a text, in quotes", line)

    def test_a_check_looks_at_what_is_in_the_file(self) -> None:
        self.file("geheim")
        self.wrong(
            "password_file = 'secret'",
            'password_file = "secret": names a file whose content must be short',
            lambda secret: "must be short" if len(secret) > 3 else None,
        )

    def test_nothing_of_the_secret_is_shown(self) -> None:
        for content in ("geheim\nmore", "geheim\x00", "geheim"):
            self.file(content)
            for text in ("password_file = 'secret'", "password = 'geheim\\u0000'"):
                _, lines = self.read(text, lambda secret: "must be none")
                self.assertNotIn("geheim", "".join(lines))

    def test_a_mistyped_key_is_told_with_the_right_one(self) -> None:
        _, [line] = self.read("pasword_file = 'secret'")
        self.assertIn("pasword_file: unknown key; did you mean password_file?", line)


class AnyFileTests(unittest.TestCase):
    @given(st.binary(max_size=200))
    def test_whatever_a_file_holds_is_a_secret_or_told_in_words(self, content: bytes) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            secret, wrong = secret_of(Path(file.name))
        if wrong is None:
            self.assertEqual(secret.encode(), content.removesuffix(b"\n").removesuffix(b"\r"))
            self.assertNotIn("\n", secret)
        else:
            self.assertEqual(secret, "")
            self.assertFalse(has_control_characters(wrong))
