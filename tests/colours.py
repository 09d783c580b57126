"""How far two colours of a style sheet stand apart, in the light and in the dark theme."""

import re


def themes(style: str, prefix: str) -> tuple[dict[str, str], dict[str, str]]:
    """The colours `--prefix-name: light-dark(…, …)` of the light and of the dark theme, by name."""
    colours = re.findall(rf"--{prefix}-(\w+): light-dark\((#\w{{6}}), (#\w{{6}})\);", style)
    return {name: light for name, light, _ in colours}, {name: dark for name, _, dark in colours}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours #rrggbb, as WCAG 2.2 defines it: 1 for alike, 21 for black and white."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
