"""Turning and cropping as ``contract.PhotoEdit`` says it; the photo's file is never touched."""

from __future__ import annotations

from dataclasses import replace

from qgis.PyQt.QtCore import QRect, QRectF
from qgis.PyQt.QtGui import QImage, QTransform

from ..model_core import contract

AS_THE_FILE_SAYS = contract.PhotoEdit()
MIN_SHARE = 0.02
"""The least part of the width or height that a crop leaves."""


def turn(edit: contract.PhotoEdit, degrees: int) -> contract.PhotoEdit:
    """Return the edit with the picture turned clockwise; the crop keeps what it holds.

    Args:
        edit: The edit so far.
        degrees: 90 (right), -90 (left) or 180.
    """
    turned = edit
    for _ in range(degrees // 90 % 4):
        turned = replace(
            turned,
            turn_deg=(turned.turn_deg + 90) % 360,
            left=1.0 - turned.bottom,
            top=turned.left,
            right=1.0 - turned.top,
            bottom=turned.right,
        )
    return turned


def crop(edit: contract.PhotoEdit, shares: QRectF) -> contract.PhotoEdit:
    """Return the edit with a crop, given as shares of the turned picture and kept inside it."""
    left = min(max(shares.left(), 0.0), 1.0 - MIN_SHARE)
    top = min(max(shares.top(), 0.0), 1.0 - MIN_SHARE)
    right = max(min(shares.right(), 1.0), left + MIN_SHARE)
    bottom = max(min(shares.bottom(), 1.0), top + MIN_SHARE)
    return replace(
        edit, left=round(left, 4), top=round(top, 4), right=round(right, 4), bottom=round(bottom, 4)
    )


def crop_shares(edit: contract.PhotoEdit) -> QRectF:
    """Return the crop as shares of the turned picture."""
    return QRectF(edit.left, edit.top, edit.right - edit.left, edit.bottom - edit.top)


def turned_picture(picture: QImage, edit: contract.PhotoEdit) -> QImage:
    """Return an upright picture as the edit turns it, not yet cropped."""
    if edit.turn_deg == 0 or picture.isNull():
        return picture
    return picture.transformed(QTransform().rotate(edit.turn_deg))


def edited_picture(picture: QImage, edit: contract.PhotoEdit) -> QImage:
    """Return an upright picture turned and cropped."""
    turned = turned_picture(picture, edit)
    if turned.isNull() or crop_shares(edit) == QRectF(0.0, 0.0, 1.0, 1.0):
        return turned
    width, height = turned.width(), turned.height()
    left, top = int(edit.left * width), int(edit.top * height)
    right, bottom = max(int(edit.right * width), left + 1), max(int(edit.bottom * height), top + 1)
    return turned.copy(QRect(left, top, right - left, bottom - top))
