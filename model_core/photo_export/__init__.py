"""A copy of a photo that says where it was taken, with what is private left out or unreadable."""

from model_core.photo_export.export import ExportedPhoto, PhotoExport, export_photo
from model_core.photo_export.redaction import Region

__all__ = ["ExportedPhoto", "PhotoExport", "Region", "export_photo"]
