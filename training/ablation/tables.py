"""Every row of the paper's tables, by name: what it changes, and what the paper measured.

The paper's figures are of its own data set (MSGD), so orderings and ratios can be compared with
ours, never the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from model_core.errors import ConfigError
from training.evaluation.options import GalleryChoice

PAPER_RANKS = ("1", "5", "10", "1%")


@dataclass(frozen=True)
class PaperFigures:
    """Recall in percent, at 1, 5, 10 and 1 % of the gallery or as far as it is printed."""

    same: tuple[float, ...]
    cross: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: What it is called on the command line and in reports.
        options: Options of ``TrainConfig`` that it changes, as in ``model.fusion=aff``.
        preset: The preset that it starts from.
        kind: Of the references that it is scored with, or the policy.
        scored: Options of the model that differ only when it is scored; the weights are shared.
        gallery: What it is searched in, as ``evaluate`` names it.
        paper: What the paper measured.
    """

    name: str
    options: tuple[str, ...] = ()
    preset: str = "default"
    kind: str = "both"
    scored: tuple[str, ...] = ()
    gallery: GalleryChoice = "places"
    paper: PaperFigures | None = None

    @property
    def searches(self) -> bool:
        """Whether headings are searched when it is scored, as far as the row itself says."""
        return not any(o.endswith("heading_search=false") for o in (*self.options, *self.scored))


@dataclass(frozen=True)
class Table:
    """One table: rows of equal data, steps and resolution.

    ``times`` asks how many times as much as each other row the first one finds.
    """

    name: str
    title: str
    source: str
    rows: tuple[Row, ...]
    note: str = ""
    times: bool = False


FULL = PaperFigures((54.27, 75.31, 84.64, 92.03), (32.12, 46.82, 63.51, 74.44))
# The paper's recipe knows neither layouts nor curricula, and holds no heading.
_PLAIN = (
    "matcher.layout_weight=0.0",
    "matcher.curriculum_share=0.0",
    "matcher.label_smoothing=0.0",
)

FUSION = Table(
    "fusion",
    "Ways to fuse satellite images and street views",
    "Table 3; the linear mix is ours",
    (
        Row(
            "concat",
            ("model.fusion=concat",),
            paper=PaperFigures((48.47, 68.00, 77.67, 88.98), (28.67, 41.14, 55.10, 70.27)),
        ),
        Row(
            "fc",
            ("model.fusion=fc",),
            paper=PaperFigures((44.04, 62.57, 71.53, 85.33), (26.03, 37.82, 50.72, 67.25)),
        ),
        Row(
            "awa",
            ("model.fusion=awa",),
            paper=PaperFigures((48.36, 67.85, 77.41, 88.87), (28.62, 41.01, 54.92, 70.12)),
        ),
        Row(
            "aff",
            ("model.fusion=aff",),
            paper=PaperFigures((48.93, 68.74, 78.26, 89.32), (28.92, 41.44, 55.63, 70.75)),
        ),
        Row("iaff", ("model.fusion=iaff",), paper=FULL),
        Row("linear", ("model.fusion=linear",)),
    ),
)
REFERENCES = Table(
    "references",
    "References that a photo is compared with",
    "Table 6",
    (
        Row(
            "svi",
            kind="svi",
            paper=PaperFigures((40.54, 60.12, 70.33, 85.25), (22.41, 34.92, 49.13, 62.37)),
        ),
        Row(
            "si",
            kind="si",
            paper=PaperFigures((44.47, 66.12, 76.18, 88.24), (26.29, 40.08, 54.38, 68.13)),
        ),
        Row("both", paper=FULL),
    ),
    "One model serves all rows: it learned with satellite images, with street views and with both.",
)
POLICY = Table(
    "policy",
    "Which street views serve, and what stands where none does",
    "Table 4",
    (
        Row(
            "strict",
            kind="strict",
            paper=PaperFigures((60.62, 80.96, 90.51, 96.25), (37.90, 51.50, 68.37, 79.59)),
        ),
        Row(
            "hybrid",
            kind="hybrid",
            paper=PaperFigures((46.34, 64.78, 76.90, 85.32), (26.44, 39.95, 57.18, 67.10)),
        ),
        Row(
            "nearest",
            kind="nearest",
            paper=PaperFigures((48.18, 68.05, 78.23, 87.40), (28.57, 42.29, 58.92, 70.16)),
        ),
        Row("synthetic", kind="synthetic", paper=FULL),
    ),
    "One model serves all rows. Strict leaves out the photos whose place has no street view in "
    "time, so its photos are fewer and easier; synthetic needs a bundle with a generator.",
)
CALIBRATION = Table(
    "calibration",
    "Calibration of street-view headings",
    "Tables 5 and A1; metadata and features are ours",
    (
        Row("none", paper=PaperFigures((50.06, 70.09, 78.79, 88.97), (29.67, 43.19, 59.12, 71.06))),
        Row("metadata"),
        Row("orb", paper=FULL),
        Row("sift", paper=PaperFigures((37.92, 52.79, 59.23, 64.45), (22.41, 32.76, 44.48, 52.12))),
        Row("features"),
    ),
)
CORRELATION = Table(
    "correlation",
    "Search over headings",
    "Table 7",
    (
        Row("on", paper=FULL),
        Row(
            "off",
            ("model.heading_search=false",),
            paper=PaperFigures((36.32, 57.21, 61.67, 70.13), (22.54, 35.33, 52.62, 64.25)),
        ),
    ),
    "off compares photos, whatever their heading, with the references' columns from 0 on.",
)


def _plain_network(name: str, recall_at_1: float) -> Row:
    options = (f"model.backbone={name}", "model.head=pooled")
    return Row(name, options, paper=PaperFigures((recall_at_1,)))


def _ours(sharing: str, recall_at_1: float) -> Row:
    options = ("model.backbone=base", f"model.shared_weights={sharing}")
    return Row(f"ours-{sharing.replace('_', '-')}", options, paper=PaperFigures((recall_at_1,)))


BACKBONES = Table(
    "backbones",
    "Backbones",
    "Table C1",
    (
        _plain_network("vgg16", 37.48),
        _plain_network("resnet50", 41.93),
        _plain_network("efficientnet_b0", 40.98),
        _plain_network("vit", 43.66),
        _plain_network("base", 45.04),
        _ours("none", 48.37),
        _ours("svi_si", 51.62),
        _ours("all", 54.27),
    ),
    "Equal steps, which take a large network longer than a small one. Plain networks average over "
    "rows; ours is ConvNeXt-Base with the asymmetric head, and says which branches share weights. "
    "ResNet-50 and EfficientNet-B0 normalise by a batch's own statistics, of satellite images, "
    "street views or photos in turn and few of them (a part of the batch where matcher.accumulate "
    "is above 1): some of what they lack may be of that.",
)
LOSSES = Table(
    "losses",
    "Losses",
    "Table D1",
    (
        Row(
            "triplet",
            ("matcher.loss=triplet",),
            paper=PaperFigures((39.34, 47.14, 50.96, 55.55), (11.45, 16.42, 21.98, 28.05)),
        ),
        Row(
            "soft_margin_triplet",
            ("matcher.loss=soft_margin_triplet",),
            paper=PaperFigures((51.08, 72.56, 82.62, 90.67), (20.15, 33.89, 49.42, 61.36)),
        ),
        Row("infonce", ("matcher.loss=infonce",), paper=FULL),
    ),
)
# What the rivals learn from, whatever recipe the other rows share; see paper.yaml. Their rate is
# the shared one: theirs, 0.0001, is of backbones that begin with ImageNet's weights.
_RIVAL = (
    *_PLAIN,
    *("matcher.references.si=0.0", "matcher.references.svi=0.0"),
    *("matcher.references.both=1.0", "matcher.references.all=0.0"),
)
# The released code aligns photos in training, and does not when it scores itself.
_RELEASE = ("matcher.loss=release", "model.heading_search=true", *_RIVAL)
HEADLINE = Table(
    "headline",
    "Ours, the paper's text and the released code on the same data",
    "no table of the paper",
    (
        Row("default"),
        Row(
            "release",
            _RELEASE,
            preset="release",
            scored=("heading_search=false",),
            gallery="photos",
        ),
        Row("release-searched", _RELEASE, preset="release"),
        Row("paper", ("matcher.loss=paper", *_RIVAL), preset="paper"),
        Row("linear", ("model.fusion=linear",)),
    ),
    "release is scored as that code scores itself: without a search over headings, photos compared "
    "with the references' columns from 0 on, among places centred on the photos; release-searched "
    "is the same model searched as all others are. default and linear also learn the true layouts "
    "of rendered places, which no real place comes with; release and paper learn from both "
    "references alone, at the rate that all share.",
    times=True,
)
TABLES = {
    table.name: table
    for table in (
        FUSION,
        REFERENCES,
        POLICY,
        CALIBRATION,
        CORRELATION,
        BACKBONES,
        LOSSES,
        HEADLINE,
    )
}


def find_table(name: str) -> Table:
    """Return the table of that name.

    Raises:
        ConfigError: There is no such table; the message lists them.
    """
    if name not in TABLES:
        raise ConfigError(f"unknown table {name!r}; known here: {', '.join(TABLES)}")
    return TABLES[name]


def choose_rows(table: Table, names: tuple[str, ...]) -> Table:
    """Return the table with the named rows only, all of them without a name.

    Raises:
        ConfigError: It has no such row; the message lists them.
    """
    known = {row.name: row for row in table.rows}
    for name in names:
        if name not in known:
            raise ConfigError(f"table {table.name} has no row {name!r}; it has {', '.join(known)}")
    rows = tuple(known[name] for name in names) or table.rows
    return replace(table, rows=rows)
