"""How near made street views come to real ones: pixels, sharpness, and what a classifier says.

Everything counts on the columns that the real street view shows. Images are float (B, 3, H, W) in
[0, 1], ``seen`` is bool (B, W).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore

from model_core.errors import ShapeError
from model_core.features.preprocess import normalize_images

_MAX_DB = 100.0
_LUMINANCE = (0.299, 0.587, 0.114)
_SSIM_REACH_PX = 5
_SHARPNESS_PEAK = 255.0 / 128.0
_CLASSIFIER_PX = 299
_SPLITS = 10

Classifier = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Takes images (B, 3, H, W) in [0, 1] and returns features (B, F) and logits (B, classes)."""


@dataclass(frozen=True)
class PixelFigures:
    """Means over strips: SSIM of luminance, PSNR and sharpness difference in dB, L1 in [0, 1].

    Higher is better but for ``l1``.
    """

    ssim: float
    psnr_db: float
    sharpness_db: float
    l1: float


@dataclass(frozen=True)
class ClassifierFigures:
    """What a classifier says of made strips beside the real ones.

    ``top1_agreement`` and ``top5_agreement`` are shares of places: the real strip's class is the
    made one's first, or among its first five. ``kl`` is the mean of KL(made || real) over places,
    ``kl_spread`` its deviation. ``frechet_distance`` is None below two places.
    """

    inception_score: float
    top1_agreement: float
    top5_agreement: float
    kl: float
    kl_spread: float
    frechet_distance: float | None


def ssim(made: Tensor, real: Tensor, seen: Tensor) -> Tensor:
    """Return SSIM (B,) of luminance; NaN where no window of 11 columns is seen as a whole.

    Source: Wang et al. 2004, a Gaussian of 1.5 pixels.
    """
    _check(made, real, seen)
    weights = made.new_tensor(_LUMINANCE).view(1, 3, 1, 1)
    grey = [(image * weights).sum(1, keepdim=True) for image in (made, real)]
    _, local = structural_similarity_index_measure(
        grey[0], grey[1], data_range=1.0, reduction="none", return_full_image=True
    )
    unseen = F.pad((~seen).float()[:, None], (_SSIM_REACH_PX,) * 2, mode="circular")
    whole = F.max_pool1d(unseen, 2 * _SSIM_REACH_PX + 1, stride=1)[:, 0] < 0.5
    columns = local.mean(dim=(1, 2))
    return torch.where(whole, columns, 0.0).sum(1) / whole.sum(1)


def psnr_db(made: Tensor, real: Tensor, seen: Tensor) -> Tensor:
    """Return PSNR (B,) in dB against a peak of one, 100 at most; NaN where nothing is seen."""
    _check(made, real, seen)
    made, real = (image * seen[:, None, None] for image in (made, real))
    over_all = peak_signal_noise_ratio(made, real, data_range=1.0, reduction="none", dim=(1, 2, 3))
    # Unseen columns are equal in both, so that they only thin the error out.
    share = seen.float().mean(1)
    found = (over_all + 10 * share.log10()).clamp(max=_MAX_DB)
    return torch.where(share > 0, found, torch.nan)


def sharpness_difference_db(made: Tensor, real: Tensor, seen: Tensor) -> Tensor:
    """Return the sharpness difference (B,) in dB, 100 at most; NaN where nothing is seen.

    It is 10 log10(peak^2 / mean), the mean over pixels and colours of the difference between the
    gradients' magnitudes, along rows and along columns. The peak is 255 / 128, as in the script
    that the published figures come from; rows wrap around the circle here.

    Source: Regmi and Borji 2018, "Cross-View Image Synthesis using Conditional GANs", after
    Mathieu et al. 2016; the peak from the evaluation script of SelectionGAN (Tang et al. 2019).
    """
    _check(made, real, seen)
    pair = seen & seen.roll(1, -1)
    along = (_step(made, -1) - _step(real, -1)).abs() * pair[:, None, None]
    down = (_step(made, -2) - _step(real, -2)).abs() * seen[:, None, None]
    down = down[:, :, 1:]
    colours, height = made.shape[1], made.shape[2]
    mean = along.sum(dim=(1, 2, 3)) / (pair.sum(1) * colours * height)
    mean = mean + down.sum(dim=(1, 2, 3)) / (seen.sum(1) * colours * (height - 1))
    return (10 * (_SHARPNESS_PEAK**2 / mean).log10()).clamp(max=_MAX_DB)


def pixel_figures(
    made: Iterable[Tensor], real: Iterable[Tensor], seen: Iterable[Tensor]
) -> PixelFigures:
    """Return the means over all strips, batch by batch; strips that cannot be judged are left out.

    Args:
        made: Batches of made strips.
        real: The real ones, in the same batches.
        seen: Their seen columns.
    """
    found: list[Tensor] = []
    for ours, truth, columns in zip(made, real, seen, strict=True):
        error = ((ours - truth).abs() * columns[:, None, None]).mean(dim=(1, 2, 3))
        figures = (
            ssim(ours, truth, columns),
            psnr_db(ours, truth, columns),
            sharpness_difference_db(ours, truth, columns),
            error / columns.float().mean(1),
        )
        found.append(torch.stack(figures))
    means = torch.cat(found, dim=1).double().nanmean(dim=1).tolist()
    return PixelFigures(*(round(value, 6) for value in means))


def classifier_figures(
    made: Iterable[Tensor], real: Iterable[Tensor], seen: Iterable[Tensor], classify: Classifier
) -> ClassifierFigures:
    """Return what a classifier says of made strips, batch by batch; unseen columns are black.

    Args:
        made: Batches of made strips.
        real: The real ones, in the same batches.
        seen: Their seen columns.
        classify: The classifier, on the strips' device.
    """
    sides: list[list[tuple[Tensor, Tensor]]] = [[], []]
    for ours, truth, columns in zip(made, real, seen, strict=True):
        for side, images in zip(sides, (ours, truth), strict=True):
            features, logits = classify(images * columns[:, None, None])
            side.append((features.float().cpu(), logits.float().cpu()))
    (made_features, made_logits), (real_features, real_logits) = (
        (torch.cat([f for f, _ in side]), torch.cat([x for _, x in side])) for side in sides
    )
    wanted = real_logits.argmax(1)
    first_five = made_logits.topk(min(5, made_logits.shape[1]), dim=1).indices
    agrees = first_five == wanted[:, None]
    said, truth = made_logits.log_softmax(1), real_logits.log_softmax(1)
    kl = (said.exp() * (said - truth)).sum(1)
    return ClassifierFigures(
        inception_score(made_logits),
        float(agrees[:, 0].float().mean()),
        float(agrees.any(1).float().mean()),
        float(kl.mean()),
        float(kl.std(correction=0)),
        frechet_distance(made_features, real_features),
    )


def inception_score(logits: Tensor) -> float:
    """Return the inception score of logits (N, classes): the mean over ten parts of the set."""
    metric = InceptionScore(feature=nn.Identity(), splits=min(_SPLITS, len(logits)))
    metric.update(logits)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        mean, _ = metric.compute()
    return float(mean)


def frechet_distance(made: Tensor, real: Tensor) -> float | None:
    """Return the Frechet distance between features (N, F); None below two of each.

    With fewer strips than features it is too high; compare rows of one table only.
    """
    if min(len(made), len(real)) < 2:
        return None
    metric = FrechetInceptionDistance(feature=_Features(made.shape[1]))
    metric.update(real, real=True)
    metric.update(made, real=False)
    return float(metric.compute())


class _Features(nn.Identity):
    """Features as they come; torchmetrics asks how many."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def imagenet_classifier(device: torch.device) -> tuple[Classifier | None, str]:
    """Return torchvision's Inception v3 with ImageNet weights, and its name.

    Without the weights None, and the reason: they come from the network or torch's cache folder.
    """
    from torchvision.models import Inception_V3_Weights, inception_v3

    weights = Inception_V3_Weights.IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as err:
        reason = str(err).splitlines()[0] if str(err) else type(err).__name__
        return None, f"not measured: weights cannot be fetched ({reason})"
    model = inception_v3(weights=None, init_weights=False, transform_input=True)
    model.load_state_dict(state)
    head, model.fc = model.fc, nn.Identity()
    model.to(device).eval()
    head.to(device).eval()

    @torch.inference_mode()
    def classify(images: Tensor) -> tuple[Tensor, Tensor]:
        size = (_CLASSIFIER_PX, _CLASSIFIER_PX)
        wide = F.interpolate(images, size, mode="bilinear", antialias=True)
        features = model(normalize_images(wide))
        return features, head(features)

    return classify, "torchvision Inception v3, ImageNet"


def _step(images: Tensor, dim: int) -> Tensor:
    return (images - images.roll(1, dim)).abs()


def _check(made: Tensor, real: Tensor, seen: Tensor) -> None:
    if made.shape != real.shape or seen.shape != (made.shape[0], made.shape[3]):
        raise ShapeError(
            f"made strips {tuple(made.shape)}, real ones {tuple(real.shape)} and seen columns "
            f"{tuple(seen.shape)} do not fit together"
        )
