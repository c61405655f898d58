"""Invoices as PDF. The fonts come from npm, like pusher-js; fpdf2 has none for more than Western Europe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from marketplace.invoices import Invoice
from marketplace.times import format_day as day

_FONTS = Path(__file__).parents[2] / "node_modules" / "@expo-google-fonts"
#: Stands for a character that no font has: seen to be missing is better than not seen.
_MISSING = "\N{REPLACEMENT CHARACTER}"

# Millimetres, on A4.
_MARGIN = 20
_LABEL_WIDTH = 38
_AMOUNT_WIDTH = 45
_GAP = 8
#: Millimetres for each point of the font's size; Arabic letters need more than Latin ones.
_LINE_HEIGHT = 0.6

_INK, _QUIET, _GOOD = (27, 29, 28), (90, 96, 93), (20, 105, 58)


@dataclass(frozen=True)
class _Family:
    """A font in its two weights."""

    name: str
    regular: Path
    bold: Path

    @classmethod
    def at(cls, package: str, name: str) -> _Family:
        folder = _FONTS / package
        return cls(name, folder / f"400Regular/{name}_400Regular.ttf", folder / f"700Bold/{name}_700Bold.ttf")


#: Latin, Greek and Cyrillic; Arabic script, with Latin.
_FAMILIES = (_Family.at("noto-sans", "NotoSans"), _Family.at("vazirmatn", "Vazirmatn"))


@cache
def _characters(family: _Family) -> frozenset[str]:
    """What a font can write."""
    with TTFont(family.regular, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def _best_family(text: str) -> _Family:
    """The font that has most of the characters; Vazirmatn has the Latin letters beside Arabic ones, too."""
    return max(_FAMILIES, key=lambda family: sum(each in _characters(family) for each in text))


def _printable(text: str) -> str:
    known = frozenset[str]().union(*map(_characters, _FAMILIES))
    return "".join(each if each in known else _MISSING for each in text)


def render(invoice: Invoice) -> bytes:
    """The PDF of an invoice: A4, as many pages as it takes, text that can be searched and copied."""
    paper = _Paper(invoice)
    paper.add_page()
    paper.head()
    paper.people()
    paper.lines()
    paper.terms()
    return bytes(paper.output())


class _Paper(FPDF):
    """The pages of one invoice."""

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(format="A4")
        self._invoice = invoice
        self.set_margin(_MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN + _GAP)
        self.set_text_shaping(use_shaping_engine=True)
        self.set_title(f"Invoice {invoice.number}")
        self.set_lang("en")
        # Of the invoice, not of the download: the same invoice is the same file.
        self.set_creation_date(invoice.issued_at)

    def head(self) -> None:
        """What it is, whether it is paid, and its dates."""
        invoice = self._invoice
        self._say("Invoice", size=22, bold=True)
        if invoice.stamp:
            self._stamp(f"{invoice.stamp} on {day(invoice.paid_at)}" if invoice.paid_at else invoice.stamp)
        self._gap()
        self._row("Number", invoice.number)
        self._row("Date", day(invoice.issued_at))
        self._row("To be paid by", day(invoice.due_at))
        self._gap()

    def people(self) -> None:
        """From whom, to whom, and where to."""
        self._row("Seller", self._invoice.seller)
        self._row("Buyer", self._invoice.buyer)
        self._row("Address", self._invoice.ship_to or "Not given yet")
        self._gap()

    def lines(self) -> None:
        """What is charged, each line with its amount, and the total."""
        self._rule()
        for line in self._invoice.lines:
            self._charge(line.label, line.amount)
        self._rule()
        self._charge(f"Total, {self._invoice.currency}", self._invoice.total, bold=True)
        self._gap()

    def terms(self) -> None:
        """How it is paid, and where to."""
        self._row("Payment", self._invoice.terms)
        if self._invoice.pay_to:
            self._row("Pay to", self._invoice.pay_to)

    def footer(self) -> None:
        """Which invoice, and which page of how many; fpdf2 calls it at the end of each page."""
        # Shaped, the placeholder of the number of pages would not be found.
        self.set_text_shaping(use_shaping_engine=False)
        self.set_y(-_MARGIN)
        self._say(f"Invoice {self._invoice.number}, page {self.page_no()} of {{nb}}", size=8, colour=_QUIET)
        self.set_text_shaping(use_shaping_engine=True)

    def _say(
        self,
        text: str,
        *,
        size: float = 10,
        bold: bool = False,
        colour: tuple[int, int, int] = _INK,
        width: float = 0,
        align: Literal["L", "R"] = "L",
        stay: bool = False,
    ) -> None:
        """A paragraph. It wraps, and goes on on the next page; ``stay`` leaves the pen where it began."""
        family = _best_family(text)
        self._load(family, bold=bold)
        self.set_font(family.name, "B" if bold else "", size)
        self.set_text_color(*colour)
        if not _characters(family).issuperset(text):
            self._mix(family, bold=bold)
        self.multi_cell(
            width,
            size * _LINE_HEIGHT,
            _printable(text),
            align=align,
            new_x=XPos.RIGHT if stay else XPos.LMARGIN,
            new_y=YPos.TOP if stay else YPos.NEXT,
        )

    def _load(self, family: _Family, *, bold: bool) -> None:
        """Each font takes a tenth of a second: only those that are used."""
        style = "B" if bold else ""
        if family.name.lower() + style not in self.fonts:
            self.add_font(family.name, style, family.bold if bold else family.regular)

    def _mix(self, main: _Family, *, bold: bool) -> None:
        """Let the other fonts help out, within a line too."""
        others = [family for family in _FAMILIES if family is not main]
        for family in others:
            self._load(family, bold=bold)
        self.set_fallback_fonts([family.name for family in others])
        # fpdf2 2.8.9 loses the main font where a line begins with another one, unless it was used before.
        self.cell(text=" ", new_x=XPos.LEFT)

    def _row(self, label: str, text: str) -> None:
        self._say(label, colour=_QUIET, width=_LABEL_WIDTH, stay=True)
        # Line by line, since each has the font that suits it.
        for line in text.splitlines() or [""]:
            self.set_x(_MARGIN + _LABEL_WIDTH)
            self._say(line)

    def _charge(self, label: str, amount: str, *, bold: bool = False) -> None:
        # The amount first: a label of several lines may end on another page.
        self.set_x(-_MARGIN - _AMOUNT_WIDTH)
        self._say(amount, bold=bold, width=_AMOUNT_WIDTH, align="R", stay=True)
        self.set_x(_MARGIN)
        self._say(label, bold=bold, width=self.epw - _AMOUNT_WIDTH)
        self.ln(2)

    def _stamp(self, text: str) -> None:
        colour = _GOOD if self._invoice.paid_at else _QUIET
        self._say(text, size=14, bold=True, colour=colour)

    def _rule(self) -> None:
        self.set_draw_color(*_QUIET)
        self.line(_MARGIN, self.get_y(), self.w - _MARGIN, self.get_y())
        self.ln(3)

    def _gap(self) -> None:
        self.ln(_GAP)
