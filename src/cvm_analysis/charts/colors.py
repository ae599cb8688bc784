"""Colours for a reader's dark setting, and how well one colour stands out from another.

Sources: [1] Ottosson (2020), "A perceptual color space for image processing" (OKLab).
[2] Web Content Accessibility Guidelines 2.2 (2023): relative luminance, contrast ratio.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from cvm_analysis.arrays import Array

DARK_PAGE = "#12171e"  # what white becomes
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_TO_LMS, _TO_LIGHT = np.linalg.inv(_LAB), np.linalg.inv(_LMS)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_FLARE = 0.05  # light that a screen reflects ([2])
_OUTSIDE = 0.002  # light per channel so far outside of what a screen shows is cut off
_RULE = "@media screen and (prefers-color-scheme:dark){svg{%s}}"
_DRAWN = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")


def contrast_ratio(color: Any, other: Any) -> float:
    """Return the contrast of two colours, from 1 (equally light) to 21 (black and white) ([2])."""
    darker, lighter = sorted(float(_linear(c) @ _LUMINANCE) for c in (color, other))
    return (lighter + _FLARE) / (darker + _FLARE)


def darken(color: Any) -> str:
    """Return the colour that takes the place of another on a dark page; white becomes DARK_PAGE.

    Light and dark are turned round so that any two colours keep their contrast ratio, as far as
    white reaches; hue is kept in OKLab ([1]). Colours are a little paler, for bright ones glare on
    black, and grey takes on the tone of the page.
    """
    return _darken(to_hex(color))


def follow_setting(svg: str) -> str:
    """Let each colour of an SVG by matplotlib follow the reader's light or dark setting.

    A colour `#rrggbb` becomes `var(--crrggbb,#rrggbb)`; a style sheet in the SVG says what it is on
    a dark screen. On paper, and where there is no setting, colours are the light ones.
    """
    colors: set[str] = set()

    def name(found: re.Match[str]) -> str:
        colors.add(found[2])
        return f"{found[1]}:var(--c{found[2][1:]},{found[2]})"

    drawn = re.sub("<[^<>]+>", lambda tag: _DRAWN.sub(name, tag[0]), svg)
    turned = ";".join(f"--c{color[1:]}:{darken(color)}" for color in sorted(colors))
    rule = _RULE % turned
    return drawn.replace("</style>", f"{rule}</style>", 1)


@cache
def _darken(color: str) -> str:
    white, page, light = (float(_linear(c) @ _LUMINANCE) for c in ("white", DARK_PAGE, color))
    target = min((white + _FLARE) * (page + _FLARE) / (light + _FLARE) - _FLARE, white)
    tint = light * (_LAB @ np.cbrt(_LMS @ _linear(DARK_PAGE)))[1:]
    hue = (_LAB @ np.cbrt(_LMS @ _linear(color)))[1:]
    for chroma in np.linspace(0.85, 0, 18):
        linear = _find_luminance(chroma * hue + tint, target)
        if linear.min() > -_OUTSIDE and linear.max() < 1 + _OUTSIDE:
            break
    red, green, blue = _encode(np.clip(linear, 0, 1)).tolist()
    return str(to_hex((red, green, blue)))


def _find_luminance(hue: Array, target: float) -> Array:
    """Return the light per channel of the OKLab colour with this a, b and luminance."""
    low, high = 0.0, 1.1
    for _ in range(30):
        middle = (low + high) / 2
        linear = _TO_LIGHT @ (_TO_LMS @ np.array([middle, *hue])) ** 3
        low, high = (middle, high) if linear @ _LUMINANCE < target else (low, middle)
    return linear


def _linear(color: Any) -> Array:
    """Light per channel, from the encoded values of sRGB."""
    encoded = np.array(to_rgb(color))
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _encode(linear: Array) -> Array:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
