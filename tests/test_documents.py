"""What the documents name is there."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]


class DocumentTests(unittest.TestCase):
    def test_every_link_within_leads_to_a_file(self) -> None:
        dead = [
            f"{document.name}: {target}"
            for document in DOCUMENTS
            for target in re.findall(r"\]\(([^)#]+)\)", document.read_text())
            if "://" not in target and not (document.parent / target).exists()
        ]
        self.assertEqual(dead, [])

    def test_every_metric_and_table_is_one_that_the_source_makes(self) -> None:
        sources = [*CHECKOUT.glob("tvmon/**/*.py"), *CHECKOUT.glob("tvmon/**/*.sql")]
        words = set(re.findall(r"tvmon_[a-z_]+", "".join(path.read_text() for path in sources)))
        unknown = {
            f"{document.name}: {name}"
            for document in DOCUMENTS
            for name in re.findall(r"tvmon_[a-z_]+", document.read_text())
            if not {name, name.removesuffix("_total")} & words
        }
        self.assertEqual(unknown, set())

    def test_make_help_lists_what_the_documents_tell_to_make(self) -> None:
        listed = subprocess.run(
            ["make", "--no-print-directory", "help"],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        told = {
            word
            for document in DOCUMENTS
            for word in re.findall(r"(?m)(?:^ {4}|`)make ([a-z]+)", document.read_text())
        }
        self.assertEqual(told - set(re.findall(r"make ([a-z]+)", listed)), set())
