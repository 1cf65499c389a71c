"""
Names of channels that no station has, in many scripts, for a page that looks like a real one.

Some need care on their way through URLs and tables: that is why they are here.
"""

from __future__ import annotations

from collections.abc import Iterator

CUSTOMERS = ("tvie", "metro", "nordlicht")

FORMATS = (("hd", "sd"), ("hd",), ("hd", "sd", "mobile"), ("live",), ("hd", "mobile"))
"""The streams of the first channel, of the second, and so on, over and over."""

NAMES = (
    ("aurora1", "Aurora One"),
    ("jinchen", "金辰卫视"),
    ("sever24", "Север 24"),
    ("kanalsued", "Kanal Süd"),
    ("minato", "みなとテレビ"),
    ("rio", "Canal Río"),
    ("hangang", "한강 뉴스"),
    ("delta-sport", "Delta Sport"),
    ("xinghe", "星河电影"),
    ("nil", "النيل مباشر"),
    ("kids & co", "Kids & Co"),
    ("zarya", "Заря Детям"),
    ("meridien", "Méridien Info"),
    ("aegean", "Αιγαίο TV"),
    ("himal", "हिमाल समाचार"),
    ("tengfei", "騰飛新聞台"),
    ("fjord", "Fjord Kultur"),
    ("новости", "Новости Юга"),
    ("karavan", "Karavan Müzik"),
    ("galil", "ערוץ הגליל"),
    ("mekong", "Kênh Mê Kông"),
    ("wisla", "Wisła Dokument"),
    ("chaophraya", "ช่องเจ้าพระยา"),
    ("atlas", "Atlas Weather"),
    ("tisza", "Tisza Híradó"),
    ("hongyan", "鸿雁少儿"),
    ("sierra", "Sierra Cocina"),
    ("kaspi", "Каспий Спорт"),
    ("sakura", "さくら映画"),
    ("praia", "Praia Notícias"),
    ("bukhansan", "북한산 다큐"),
    ("laguna", "Laguna Arte"),
    ("tallinn", "Tänav TV"),
    ("ganga", "গঙ্গা সংবাদ"),
    ("night", "Night Classics"),
    ("shanhai", "山海纪实"),
)


def channel_names() -> Iterator[tuple[str, str]]:
    """Pairs of a name and a display name, without end, none twice."""
    yield from NAMES
    turn = 2
    while True:
        for name, display_name in NAMES:
            yield f"{name}-{turn}", f"{display_name} {turn}"
        turn += 1
