"""Every error the engine raises on purpose; each message names the file and the next step.

GeolocatorError
|-- InputError                 something the user gave cannot be used
|   |-- PhotoError             a photo cannot be read
|   |-- AreaError              the area is empty or has no usable place
|   |-- ImageryError           a raster cannot serve as satellite imagery
|   |-- StreetViewError        a folder or table of street views cannot be used
|   `-- ConfigError            an unknown key or a value out of range
|-- ProviderError              an online source failed
|-- BundleError                a model bundle is damaged or of another format
|-- GalleryError               a gallery is damaged, unfinished or of another model
|-- ShapeError                 arrays that do not fit together
|-- DeviceError                no memory or no such device
`-- Cancelled                  the user asked to stop
"""


class GeolocatorError(Exception):
    """Root of the tree; ``code`` is the JSON-RPC error code of the class."""

    code = -32000


class InputError(GeolocatorError):
    """Something the user gave cannot be used."""

    code = -32010


class PhotoError(InputError):
    """A photo cannot be read."""

    code = -32011


class AreaError(InputError):
    """The area is empty or holds no usable place."""

    code = -32012


class ImageryError(InputError):
    """A raster cannot serve as satellite imagery."""

    code = -32013


class StreetViewError(InputError):
    """A folder or table of street views cannot be used."""

    code = -32014


class ConfigError(InputError):
    """An unknown key or a value out of range."""

    code = -32015


class ProviderError(GeolocatorError):
    """An online source failed.

    ``reason`` is a word or two to count failures by; ``transient`` says whether the same request
    may well succeed a little later, ``retry_after_s`` when the server wants it to be tried.
    """

    code = -32020

    def __init__(
        self,
        message: str,
        *,
        reason: str = "error",
        transient: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.transient = transient
        self.retry_after_s = retry_after_s


class BundleError(GeolocatorError):
    """A model bundle is damaged or of another format."""

    code = -32030


class GalleryError(GeolocatorError):
    """A gallery is damaged, unfinished or was built by another model."""

    code = -32031


class ShapeError(GeolocatorError):
    """Arrays that do not fit together."""

    code = -32040


class DeviceError(GeolocatorError):
    """No memory left, or no such device."""

    code = -32041


class Cancelled(GeolocatorError):
    """The user asked to stop."""

    code = -32800
