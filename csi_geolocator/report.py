"""One page on one photo: map, photo, evidence, probability, sources; as PDF or HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from qgis.PyQt.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPalette,
    QPdfWriter,
    QTextDocument,
)

from . import wording
from .i18n import tr
from .layers.candidate import PROPOSED, Candidate, PhotoRecord

SHOWN_CANDIDATES = 5
DPI = 300
MARGIN_MM = 14.0
GAP_MM = 4.0
INK, SOFT, ALARM = "#212121", "#546e7a", "#b71c1c"


@dataclass(frozen=True)
class ReportContent:
    """What the page says.

    ``chosen`` is the candidate reported on, ``candidates`` all of the photo, best first.
    ``street_view`` is null where there is none that may be shown; ``sources`` are the
    attributions. ``has_ended`` says whether the run came to its end, which tells of sources, notes
    and model. ``made_at`` is ISO 8601.
    """

    record: PhotoRecord
    candidates: tuple[Candidate, ...]
    chosen: Candidate | None
    photo: QImage
    map_picture: QImage
    street_view: QImage
    street_view_credit: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    has_ended: bool
    model_hash: str
    software_version: str
    made_at: str


class ReportError(Exception):
    """The report cannot be written; the message names the file and the next step."""


def write_html(content: ReportContent, target: Path) -> None:
    """Write the page as one HTML file that needs no other.

    Raises:
        ReportError: The file cannot be written.
    """
    pictures = "".join(
        f'<figure><img src="{_data_address(image)}" alt="{escape(title)}">'
        f"<figcaption>{escape(title)}</figcaption></figure>"
        for title, image in [*_pictures(content), _map(content)]
    )
    page = f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{escape(_title(content))}</title><style>
body {{ font-family: sans-serif; color: {INK}; background: white; max-width: 900px;
  margin: 2em auto; padding: 0 1em; line-height: 1.4 }}
.pictures {{ display: flex; flex-wrap: wrap; gap: 12px }}
figure {{ margin: 0; flex: 1 1 280px }} figure img {{ width: 100% }}
figcaption {{ color: {SOFT}; font-size: 85% }}
table {{ border-collapse: collapse }} td, th {{ padding: 3px 12px 3px 0; text-align: left }}
</style></head><body><h1>{escape(_title(content))}</h1>{_verdict(content)}
<div class="pictures">{pictures}</div>{_body(content)}</body></html>
"""
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise _unwritable(target, str(error)) from error


def write_pdf(content: ReportContent, target: Path) -> None:
    """Write the page as a PDF of one page, A4; text that does not fit is made smaller.

    Raises:
        ReportError: The file cannot be written.
    """
    writer = QPdfWriter(str(target))
    writer.setResolution(DPI)
    writer.setTitle(_title(content))
    writer.setCreator("CSI Geolocator")
    page = QPageLayout(
        QPageSize(QPageSize.PageSizeId.A4),
        QPageLayout.Orientation.Portrait,
        QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM),
        QPageLayout.Unit.Millimeter,
    )
    writer.setPageLayout(page)
    painter = QPainter()
    if not painter.begin(writer):
        raise _unwritable(target, tr("it cannot be opened"))
    paint_page(content, painter, QRectF(0, 0, writer.width(), writer.height()))
    painter.end()


def paint_page(content: ReportContent, painter: QPainter, page: QRectF) -> None:
    """Draw the page: the verdict above, photo and map in the middle, evidence below."""
    millimetre = painter.device().logicalDpiX() / 25.4
    gap = GAP_MM * millimetre
    head = f"<h2>{escape(_title(content))}</h2>{_verdict(content)}"
    top = _paint_text(painter, head, page) + gap
    side = (page.width() - gap) / 2
    left = QRectF(page.left(), top, side, side)
    lowest = _paint_column(painter, _pictures(content), left, gap)
    title, drawn = _map(content)
    right = QRectF(left.right() + gap, top, side, side)
    lowest = max(lowest, _paint_column(painter, [(title, drawn)], right, gap)) + gap
    rest = QRectF(page.left(), lowest, page.width(), page.bottom() - lowest)
    _paint_text(painter, _body(content), rest)


def _paint_column(
    painter: QPainter, pictures: Sequence[tuple[str, QImage]], frame: QRectF, gap: float
) -> float:
    """Draw pictures and their titles below each other, upright ones in a row; return their end."""
    shown = [(title, image) for title, image in pictures if not image.isNull()]
    if len(shown) > 1 and all(image.height() > image.width() for _, image in shown):
        side = (frame.width() - gap * (len(shown) - 1)) / len(shown)
        return max(
            _paint_column(
                painter,
                [picture],
                QRectF(frame.left() + number * (side + gap), frame.top(), side, frame.height()),
                gap,
            )
            for number, picture in enumerate(shown)
        )
    top = frame.top()
    tall = (frame.height() - gap * 2 * (len(shown) - 1)) / max(1, len(shown))
    for title, image in shown:
        top = _paint_image(painter, image, QRectF(frame.left(), top, frame.width(), tall))
        words = QRectF(frame.left(), top + gap / 4, frame.width(), gap * 3)
        html = f'<p style="color:{SOFT}">{escape(title)}</p>'
        top = _paint_text(painter, html, words) + gap / 2
    return top


def _paint_text(painter: QPainter, html: str, area: QRectF) -> float:
    """Draw words into an area, smaller where they would not fit; return where they end."""
    document = QTextDocument()
    document.documentLayout().setPaintDevice(painter.device())
    font = QFont("sans-serif")
    font.setPointSizeF(9.5)
    document.setDefaultFont(font)
    document.setDocumentMargin(0.0)
    document.setHtml(html)
    document.setTextWidth(area.width())
    scale = 1.0
    while document.size().height() * scale > area.height() and scale > 0.5:
        scale *= 0.95
        document.setTextWidth(area.width() / scale)
    painter.save()
    painter.translate(area.topLeft())
    painter.scale(scale, scale)
    context = QAbstractTextDocumentLayout.PaintContext()
    context.palette.setColor(QPalette.ColorRole.Text, QColor(INK))
    document.documentLayout().draw(painter, context)
    painter.restore()
    return area.top() + document.size().height() * scale


def _paint_image(painter: QPainter, image: QImage, frame: QRectF) -> float:
    size = QSizeF(image.size())
    size.scale(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRectF(frame.topLeft(), size)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, image)
    return place.bottom()


def _pictures(content: ReportContent) -> list[tuple[str, QImage]]:
    named = [
        (tr("Photo: {}").format(content.record.name), content.photo),
        (
            tr("Street view at the candidate. {}").format(content.street_view_credit),
            content.street_view,
        ),
    ]
    return [(title, image) for title, image in named if not image.isNull()]


def _map(content: ReportContent) -> tuple[str, QImage]:
    return tr("Candidates of this photo, north up"), content.map_picture


def _title(content: ReportContent) -> str:
    return tr("Where was {} taken?").format(content.record.name)


def _verdict(content: ReportContent) -> str:
    colour = ALARM if content.record.not_in_area or content.record.error else INK
    said = escape(wording.verdict(content.record))
    best = content.candidates[0] if content.candidates else None
    if content.record.error:
        more = escape(content.record.error)
    else:
        more = escape(wording.best_guess(best, not content.record.not_in_area))
    return f'<p style="color:{colour}"><b>{said}.</b> {more}</p>'


def _body(content: ReportContent) -> str:
    parts = []
    if content.chosen is not None:
        parts.append(_chosen(content.chosen))
    if content.candidates:
        parts.append(_table(content.candidates[:SHOWN_CANDIDATES]))
    elsewhere = wording.percent(content.record.probability_elsewhere)
    parts.append(
        f"<p>{escape(tr('Probability that it was not taken in this area: {}.').format(elsewhere))}"
        f" {escape(tr('Answers are evidence to check, not proof.'))}</p>"
    )
    notes = dict.fromkeys([*content.record.notes, *content.notes, *_unfinished(content)])
    if notes:
        parts.append("<ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>")
    sources = "; ".join(content.sources) or (
        tr("local files, as named in the results") if content.has_ended else tr("not recorded")
    )
    made_with = tr("Model {}, software {}, report of {}.").format(
        content.model_hash[:16] or tr("unknown"),
        content.software_version or tr("unknown"),
        content.made_at[:16].replace("T", " "),
    )
    parts.append(
        f'<p style="color:{SOFT}">{escape(tr("Sources: {}").format(sources))}<br>'
        f"{escape(made_with)}<br>"
        f"{escape(tr('Photo SHA-256: {}').format(content.record.photo_sha256))}</p>"
    )
    return "".join(parts)


def _unfinished(content: ReportContent) -> list[str]:
    if content.has_ended:
        return []
    return [
        tr(
            "The run has not finished: sources and model are named as far as they were known at "
            "its start, and the limits of the model are not listed."
        )
    ]


def _chosen(candidate: Candidate) -> str:
    rows = [
        (tr("Position"), wording.position(candidate.lon, candidate.lat)),
        (
            tr("Direction"),
            f"{wording.direction(candidate.heading_deg)}, {wording.heading(candidate)}",
        ),
        (tr("Probability"), wording.percent(candidate.probability)),
        (tr("Evidence"), wording.evidence(candidate)),
        (tr("Decision"), _decision(candidate)),
    ]
    if candidate.is_moved:
        rows.append((tr("Position set by hand"), tr("yes")))
    if candidate.note:
        rows.append((tr("Note"), candidate.note))
    cells = "".join(
        f'<tr><td style="color:{SOFT}">{escape(name)}&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    title = escape(tr("Candidate of rank {}").format(candidate.rank))
    return f"<h3>{title}</h3><table>{cells}</table>"


def _decision(candidate: Candidate) -> str:
    said = wording.status(candidate.status)
    if candidate.precision_m is not None:
        said += tr(", precise to {:g} m").format(candidate.precision_m)
    if candidate.status != PROPOSED and candidate.decided_at:
        who = candidate.analyst or tr("no name given")
        said += f" ({who}, {candidate.decided_at[:16].replace('T', ' ')})"
    return said


def _table(candidates: Sequence[Candidate]) -> str:
    titles = (
        tr("Rank"),
        tr("Probability"),
        tr("Heading"),
        tr("Points"),
        tr("Street view"),
        tr("Decision"),
    )
    head = "".join(f'<th align="left">{escape(title)}&nbsp;&nbsp;</th>' for title in titles)
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(value)}&nbsp;&nbsp;</td>"
            for value in (
                str(candidate.rank),
                wording.percent(candidate.probability),
                wording.heading(candidate),
                str(candidate.inliers),
                wording.street_view(candidate),
                wording.status(candidate.status),
            )
        )
        + "</tr>"
        for candidate in candidates
    )
    return f"<h3>{escape(tr('Candidates'))}</h3><table><tr>{head}</tr>{rows}</table>"


def _data_address(image: QImage) -> str:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.convertToFormat(QImage.Format.Format_RGB32).save(buffer, "JPG", 88)
    return "data:image/jpeg;base64," + base64.b64encode(bytes(buffer.data())).decode("ascii")


def _unwritable(target: Path, reason: str) -> ReportError:
    return ReportError(
        tr(
            "{}: cannot be written ({}); close it in other programs, or choose another folder"
        ).format(target, reason)
    )
