"""``tvmon check``, and what holds for the command line of every command."""

from __future__ import annotations

from tests.cli.support import CHECKOUT, CommandTests
from tvmon import __version__
from tvmon.cli.terminal import aligned


class CheckTests(CommandTests):
    """``tvmon check``, and what needs no network."""

    def test_a_good_file(self) -> None:
        path = self.file('[database]\nurl = "host=db1 password=geheim"\n')
        code, out, err = self.run_main("check", path)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            out,
            f"{path} is good: 0 servers; listens on tcp:8080:interface=127.0.0.1;"
            " database elsewhere\n",
        )

    def test_the_example(self) -> None:
        code, out, _ = self.run_main("check", str(CHECKOUT / "etc/tvmon.conf"))
        self.assertEqual(code, 0)
        self.assertIn("tvmon.conf is good: 1 server (simulator); listens on tcp:8080", out)

    def test_a_wrong_file_has_a_line_for_each_problem(self) -> None:
        path = self.file("[web]\nlisten = []\n[log]\nlevel = 'loud'\n")
        code, out, err = self.run_main("check", path)
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(
            err,
            f"{path}: web.listen = a list: must be a list of texts, at least one\n"
            f'{path}: log.level = "loud": must be debug, info, warn, error or critical\n',
        )

    def test_a_wrong_file_is_told_by_every_command(self) -> None:
        path = self.file("[")
        for command in (["list", path], ["sample", "http://h/", "--config", path]):
            code, out, err = self.run_main(*command)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(f"{path}: line 1, ", err)

    def test_a_file_that_is_not_there(self) -> None:
        code, _, err = self.run_main("check", "/nowhere/tvmon.conf")
        self.assertEqual(code, 1)
        self.assertEqual(err, "/nowhere/tvmon.conf: cannot be read: No such file or directory\n")

    def test_the_version(self) -> None:
        self.assertEqual(self.run_main("--version"), (0, f"tvmon {__version__}\n", ""))

    def test_the_help_tells_the_exit_codes(self) -> None:
        for command in ([], ["check"], ["list"], ["sample"], ["probe"], ["import-history"]):
            code, out, _ = self.run_main(*command, "--help")
            self.assertEqual(code, 0)
            self.assertIn("exit codes:", out)

    def test_a_wrong_command_line_is_2(self) -> None:
        for arguments, words in (
            ([], "COMMAND"),
            (["chek", "x"], "invalid choice"),
            (["check"], "FILE"),
            (["sample", "rtmp://h/"], "must be an http:// or https:// URL"),
            (["sample", "http://h/", "--seconds", "nan"], "must be seconds, 0 to 3600"),
            (["sample", "http://h/", "--deadline", "0"], "must be seconds, 0.05 to 65"),
            (["sample", "http://h/", "--kind", "nothing"], "invalid choice"),
            (["sample", "http://u:geheim@h/"], "must be an http:// or https:// URL"),
            (["sample", "x", "--server", "east"], "--server needs the --config FILE"),
            (
                ["sample", "http://h/", "--seconds", "9", "--deadline", "3"],
                "--deadline 3 must be below the interval of 3",
            ),
        ):
            with self.subTest(arguments):
                self.wrong(words, *arguments)

    def test_columns_are_as_wide_as_a_terminal_shows_them(self) -> None:
        self.assertEqual(
            aligned([("a", "b"), ("新闻", "c"), ("e\N{COMBINING ACUTE ACCENT}", "d")]),
            ["a     b", "新闻  c", "e\N{COMBINING ACUTE ACCENT}     d"],
        )
